import * as Effect from "effect/Effect"

/**
 * An Effect whose fiber waits until `register` resumes it. The fiber continues only after the call
 * that resumes it has returned: a store resumes fibers in the middle of synchronous stretches.
 */
export const callback: <A, E = never>(
  register: (resume: (effect: Effect.Effect<A, E>) => void) => Effect.Effect<void> | void
) => Effect.Effect<A, E> = Effect.async
