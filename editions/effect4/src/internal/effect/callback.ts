import * as Effect from "effect/Effect"

/**
 * An Effect whose fiber waits until `register` resumes it. The fiber continues only after the call
 * that resumes it has returned: a store resumes fibers in the middle of synchronous stretches.
 *
 * Effect's own `callback` runs the fiber within that call, so a microtask comes between.
 */
export const callback = <A, E = never>(
  register: (resume: (effect: Effect.Effect<A, E>) => void) => Effect.Effect<void> | void
): Effect.Effect<A, E> =>
  Effect.callback<A, E>((resume) => {
    let isRegistering = true
    const onInterrupt = register((effect) => {
      if (isRegistering) resume(effect)
      else queueMicrotask(() => resume(effect))
    })
    isRegistering = false
    return onInterrupt
  })
