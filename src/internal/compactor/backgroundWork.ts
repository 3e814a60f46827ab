import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { FileError } from "../../LsmError.js"
import { startBackgroundFiber } from "../effect/backgroundFiber.js"
import type { CompactionRange, Compactions } from "./compaction.js"
import type { StallReports } from "./stallReports.js"
import { type CompactorState, everyWork, type Hooks, type Work } from "./state.js"

/** One piece of each kind of work. Returns false if there was none. */
export type Steps = Readonly<Record<Work, Effect.Effect<boolean, FileError>>>

/**
 * The fibers of the compactor: one for each kind of work, one for the stalls' reports, and one for
 * each compaction by hand.
 */
export interface BackgroundWork {
  readonly start: (hooks: Hooks) => Effect.Effect<void>
  /** Interrupts all fibers and waits for their ends. */
  readonly stop: Effect.Effect<void>
  /**
   * Compacts a range in a new fiber, which ends when the store closes or the caller is interrupted.
   */
  readonly compact: (range: CompactionRange) => Effect.Effect<void, FileError>
}

export const makeBackgroundWork = (
  state: CompactorState,
  scope: Scope.Scope,
  steps: Steps,
  { compactRange, removeObsolete }: Compactions,
  reports: StallReports
): BackgroundWork => {
  let stallWatch: Fiber.RuntimeFiber<void> | undefined
  const byHand = new Set<Fiber.RuntimeFiber<void, FileError>>()

  const startFiber = (work: Work) =>
    startBackgroundFiber(
      {
        name: work,
        step: Effect.suspend(() => (state.isHalted() ? Effect.succeed(false) : state.unlessVanished(steps[work]))),
        onFailure: (error) => state.fail(work, error),
        onSuccess: () => state.succeed(work)
      },
      scope
    )

  return {
    start: (hooks) =>
      Effect.gen(function* () {
        state.hooks = hooks
        state.fibers = {
          "segment preparation": yield* startFiber("segment preparation"),
          flush: yield* startFiber("flush"),
          compaction: yield* startFiber("compaction")
        }
        stallWatch = yield* reports.start(scope)
        state.parts.manifest.unsafeOnObsolete(() => state.wake("compaction"))
        for (const work of everyWork) state.wake(work)
      }),
    stop: Effect.suspend(() => {
      const { fibers } = state
      if (fibers === undefined) return Effect.void
      const stopped = everyWork.map((work) => fibers[work].unsafeStop())
      state.fibers = undefined
      state.gate.notify()
      const watch = stallWatch === undefined ? [] : [stallWatch]
      return Effect.zipRight(Fiber.interruptAll([...stopped, ...watch, ...byHand]), removeObsolete)
    }),
    compact: (range) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkIn(Effect.interruptible(compactRange(range)), scope)
          byHand.add(fiber)
          const exit = yield* restore(Fiber.await(fiber)).pipe(
            Effect.onInterrupt(() => Fiber.interrupt(fiber)),
            Effect.ensuring(Effect.sync(() => byHand.delete(fiber)))
          )
          // Interrupted by `stop`: the caller will see that the store is closed.
          if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) yield* exit
        })
      )
  }
}
