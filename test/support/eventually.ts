import * as Effect from "effect/Effect"

/** Lets the event loop turn once. */
export const turn: Effect.Effect<void> = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** How long a condition is waited for, in milliseconds of the machine's own time: a loaded machine takes fewer turns in it, not longer. */
const patience = 60_000

/** Lets the event loop turn until the condition holds, and gives up after a minute. */
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
