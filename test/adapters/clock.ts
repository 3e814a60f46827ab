import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { eventually } from "../support/eventually.js"

/** Lets the time of the test go by until the condition holds. What waits for the store gets its turns. */
export const advanceUntil = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<boolean, E, R> =>
  eventually(Effect.zipRight(TestClock.adjust("250 millis"), condition), (holds) => holds)

/** Runs an effect to its end while time goes by. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    let isDone = false
    const end = Effect.sync(() => {
      isDone = true
    })
    const fiber = yield* Effect.fork(Effect.ensuring(effect, end))
    yield* advanceUntil(Effect.sync(() => isDone))
    return yield* Fiber.join(fiber)
  })
