import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"

/** Fibers of the store's own for work that seldom comes to be wanted: they inherit nothing from whoever asked for it. */
export interface LazyFibers {
  /**
   * Answers how to ask for a fiber that does the work: it begins when that is first done. Refused (false) once the scope has
   * ended.
   */
  readonly startOnRequest: (work: Effect.Effect<void>) => () => boolean
  /** What is to be done when the scope has ended, and the fibers with it. */
  readonly afterEnd: (work: Effect.Effect<unknown>) => void
}

/**
 * When the scope ends, the fibers are interrupted, and then what is to be done behind them is done. Forked as a store opens, such
 * fibers took a millisecond of a process that has just begun.
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
        fibers.push(Runtime.runFork(runtime)(Effect.interruptible(work), { immediate: false }))
        return true
      }
    },
    afterEnd: (work) => {
      behind.push(work)
    }
  }
})
