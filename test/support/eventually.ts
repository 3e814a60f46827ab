import * as Effect from "effect/Effect"

/** Lets the event loop turn once. */
export const turn: Effect.Effect<void> = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** Lets the event loop turn until the condition holds, and gives up after many turns. */
export const eventually = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  holds: (value: A) => boolean,
  turns = 200_000
): Effect.Effect<A, E, R> =>
  Effect.flatMap(effect, (value) => {
    if (holds(value)) return Effect.succeed(value)
    if (turns === 0) return Effect.dieMessage(`still ${JSON.stringify(value)}`)
    return Effect.zipRight(
      turn,
      Effect.suspend(() => eventually(effect, holds, turns - 1))
    )
  })
