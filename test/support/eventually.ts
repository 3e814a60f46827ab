import * as Effect from "effect/Effect"

/** Yields to the event loop once. */
export const turn: Effect.Effect<void> = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/**
 * The longest wait for a condition, in milliseconds of real time. The wait is not counted in
 * yields, because a loaded machine makes fewer of them in the same time.
 */
const patience = 60_000

/** Yields to the event loop until the condition holds. Dies after a minute. */
export const eventually = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  holds: (value: A) => boolean
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const until = performance.now() + patience
    const ask: Effect.Effect<A, E, R> = Effect.flatMap(effect, (value) => {
      if (holds(value)) return Effect.succeed(value)
      if (performance.now() > until) return Effect.dieMessage(`still ${JSON.stringify(value)}`)
      return Effect.zipRight(turn, ask)
    })
    return ask
  })
