import * as Effect from "effect/Effect"

/** Waits for the next turn of the event loop, like data from a socket. */
export const turn = Effect.async<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
