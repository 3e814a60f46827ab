import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore } from "effect-lsm"
import { seeded } from "../../../src/core/simulation/random.js"
import { immediate, YieldBudget } from "../../../src/internal/effect/immediate.js"
import { Machine } from "../../model/machine.js"
import { openStore } from "../../support/openStore.js"
import { simulated } from "../../support/simulated.js"

/** The turns of two fibers that run an Effect which returns at once: fiber and number of runs. */
const turns = <E>(once: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const seen: Array<[name: string, count: number]> = []
    const loop = (name: string) =>
      Effect.gen(function* () {
        for (let i = 0; i < 1500; i++) {
          yield* once
          if (seen.at(-1)?.[0] !== name) seen.push([name, 0])
          seen.at(-1)![1]++
        }
      })
    yield* Effect.all([loop("a"), loop("b")], { concurrency: "unbounded", discard: true })
    return seen
  })

const repeat = <E>(count: number, once: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* once
  })

it.live("fibers that share a budget yield to each other when it is spent", () =>
  Effect.gen(function* () {
    const nothing = immediate(new YieldBudget(), () => Effect.void)
    expect(yield* simulated(1, () => turns(nothing))).toEqual([
      ["a", 1023],
      ["b", 1023],
      ["a", 477],
      ["b", 477]
    ])
  })
)

it.live("a simulated run that opens its own store is repeatable, whatever other stores have done", () => {
  const run = simulated(1, () =>
    Effect.gen(function* () {
      const { storage } = new Machine(seeded(1), "/store")
      const store = yield* openStore(storage, { directory: "/store" })
      yield* store.put("a", "1", { durability: "buffered" })
      const cursor = yield* store.cursor()
      return [
        yield* turns(store.get("a")),
        yield* turns(store.put("a", "2", { durability: "buffered" })),
        yield* turns(store.delete("b", { durability: "buffered" })),
        yield* turns(store.getMany(["a"])),
        yield* turns(cursor.first)
      ]
    }).pipe(Effect.scoped)
  )
  return Effect.gen(function* () {
    const first = yield* run
    const other = yield* LsmStore.LsmStore
    yield* repeat(300, other.get("a"))
    expect(yield* run).toEqual(first)
    for (const seen of first) expect(seen.length).toBeGreaterThan(2)
  }).pipe(Effect.provide(LsmStore.layerMemory()))
})
