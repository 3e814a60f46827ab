import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { FileError } from "../../LsmError.js"
import { Signal } from "./signal.js"

const firstDelay = Duration.millis(100)
const longestDelay = Duration.seconds(10)

export interface BackgroundFiberOptions {
  readonly name: string
  /** Does one piece of work. Returns false if there was none. */
  readonly step: Effect.Effect<boolean, FileError>
  readonly onFailure: (error: FileError | undefined, cause: Cause.Cause<FileError>) => void
  readonly onSuccess: () => void
}

/** A background fiber that works when it is woken, until nothing is left to do. */
export interface BackgroundFiber {
  readonly unsafeWake: () => void
  /** Ends a wait before a retry. */
  readonly unsafeRetryNow: () => void
  readonly unsafeIsBusy: () => boolean
  /** Starts no more work, and returns the fiber for the caller to interrupt. */
  readonly unsafeStop: () => Fiber.RuntimeFiber<void>
}

/**
 * Counts how often the same failure has occurred in a row. It is logged the first, second, fourth,
 * eighth time and so on: work that fails for days must not fill the log.
 */
class Repetitions {
  private last: string | undefined
  count = 0

  /**
   * Returns whether to log this failure. Numbers are ignored: each try writes a file with a new
   * number.
   */
  add(failure: string): boolean {
    const same = failure.replace(/\d+/g, "0")
    this.count = same === this.last ? this.count + 1 : 1
    this.last = same
    return (this.count & (this.count - 1)) === 0
  }
}

/**
 * Starts a background fiber in `scope`. Failed work is reported, and retried after 100 ms, then after
 * twice as long each time, up to 10 s. The fiber itself does not end.
 */
export const startBackgroundFiber = (
  options: BackgroundFiberOptions,
  scope: Scope.Scope
): Effect.Effect<BackgroundFiber> =>
  Effect.gen(function* () {
    const wake = new Signal()
    const retry = new Signal()
    let busy = false
    let stopping = false

    const attemptAll: Effect.Effect<void, FileError> = Effect.gen(function* () {
      while (!stopping && (yield* options.step)) options.onSuccess()
    })

    const untilDone = Effect.gen(function* () {
      let delay = firstDelay
      const repetitions = new Repetitions()
      for (;;) {
        retry.lower()
        const exit = yield* Effect.exit(attemptAll)
        if (exit._tag === "Success") options.onSuccess()
        if (exit._tag === "Success" || stopping) return
        if (Cause.isInterruptedOnly(exit.cause)) return yield* Effect.interrupt
        const failure = Cause.failureOption(exit.cause)
        if (repetitions.add(failure._tag === "Some" ? failure.value.message : Cause.pretty(exit.cause))) {
          yield* Effect.logError(`${options.name} failed`, exit.cause).pipe(
            Effect.annotateLogs({ component: "Compactor", work: options.name, times: repetitions.count })
          )
        }
        options.onFailure(failure._tag === "Some" ? failure.value : undefined, exit.cause)
        yield* Effect.raceFirst(Effect.sleep(delay), retry.wait)
        delay = Duration.min(Duration.times(delay, 2), longestDelay)
      }
    })

    const loop = Effect.forever(
      Effect.gen(function* () {
        yield* wake.wait
        wake.lower()
        busy = true
        yield* untilDone
        busy = false
      })
    )

    const fiber = yield* Effect.forkIn(Effect.interruptible(loop), scope)
    return {
      unsafeWake: () => {
        busy = true
        wake.raise()
      },
      unsafeRetryNow: () => {
        retry.raise()
      },
      unsafeIsBusy: () => busy,
      unsafeStop: () => {
        stopping = true
        return fiber
      }
    }
  })
