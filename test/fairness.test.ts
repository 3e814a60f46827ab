import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { LsmStore } from "effect-lsm"

/** One turn of the event loop, as a timer or a socket needs it. */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

describe("a loop that never waits", () => {
  it.live("of compactions with nothing to do lets the event loop turn", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      let compactions = 0
      const loop = yield* Effect.fork(
        Effect.forever(Effect.tap(store.compact(), () => Effect.sync(() => compactions++)))
      )
      for (let i = 0; i < 10; i++) yield* turn
      expect(compactions).toBeLessThan(1000)
      yield* Fiber.interrupt(loop)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )
})
