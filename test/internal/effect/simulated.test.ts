import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { immediate } from "../../../src/internal/effect/immediate.js"
import { simulated } from "../../support/simulated.js"

const answers = (count: number, each: () => void) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* immediate(() => Effect.succeed(each()))
  })

/** In which turns two fibers follow each other that are answered at once. */
const turns = Effect.gen(function* () {
  const seen: Array<string> = []
  const see = (name: string) => () => {
    if (seen.at(-1)?.startsWith(name) !== true) seen.push(`${name} 0`)
    const [, count] = seen.pop()!.split(" ")
    seen.push(`${name} ${Number(count) + 1}`)
  }
  yield* Effect.all([answers(1500, see("a")), answers(1500, see("b"))], { concurrency: "unbounded", discard: true })
  return seen
})

it.live("a simulated run is the same again, whatever was answered before it", () =>
  Effect.gen(function* () {
    const first = yield* simulated(1, () => turns)
    yield* answers(300, () => undefined)
    expect(yield* simulated(1, () => turns)).toEqual(first)
    expect(first.length).toBeGreaterThan(2)
  })
)
