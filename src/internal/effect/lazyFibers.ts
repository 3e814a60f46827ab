import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"

/**
 * Fibers for work that is seldom needed. They inherit nothing from the fiber that requests the
 * work.
 */
export interface LazyFibers {
  /**
   * Returns a function that requests the work. Its first call starts a fiber. It returns false once
   * the scope has ended.
   */
  readonly startOnRequest: (work: Effect.Effect<void>) => () => boolean
  /** Runs an Effect after the scope has ended and the fibers are interrupted. */
  readonly afterEnd: (work: Effect.Effect<unknown>) => void
}

/**
 * Makes lazy fibers that end with the scope. Forking them while a store opens would slow down its
 * opening.
 */
export const lazyFibers: Effect.Effect<LazyFibers, never, Scope.Scope> = Effect.gen(function* () {
  const runtime = yield* Effect.runtime<never>()
  const fibers: Array<Fiber.RuntimeFiber<void>> = []
  const behind: Array<Effect.Effect<unknown>> = []
  let hasEnded = false
  yield* Effect.addFinalizer(() => {
    hasEnded = true
    return Effect.zipRight(
      Fiber.interruptAll(fibers),
      Effect.suspend(() => Effect.all(behind, { discard: true }))
    )
  })
  return {
    startOnRequest: (work) => {
      let isRunning = false
      return () => {
        if (hasEnded || isRunning) return !hasEnded
        isRunning = true
        // Nothing of the work runs within the request.
        const later = Effect.zipRight(Effect.yieldNow(), work)
        fibers.push(Runtime.runFork(runtime)(Effect.interruptible(later)))
        return true
      }
    },
    afterEnd: (work) => {
      behind.push(work)
    }
  }
})
