import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { WalService } from "../../Wal.js"
import type { LazyFibers } from "../effect/lazyFibers.js"

/** Syncs the log within the interval of the most impatient of the writes that wait for it. */
export interface IntervalSync {
  /** A write wants to be durable within so many milliseconds. */
  readonly unsafeRequest: (millis: number) => void
}

/** Of a store that takes no writes. */
export const noSync: IntervalSync = { unsafeRequest: () => undefined }

/** By a fiber of its own, which sleeps while nothing waits. A sync that fails has poisoned the log, and is told there. */
export const makeIntervalSync = (wal: WalService, clock: Clock.Clock, fibers: LazyFibers): IntervalSync => {
  const asked = Effect.unsafeMakeLatch(false)
  /** The shortest interval asked for since the last sync, and when it ends. */
  let shortest = Number.POSITIVE_INFINITY
  let deadline = Number.POSITIVE_INFINITY

  const sleep = Effect.suspend(() => Effect.sleep(Math.max(0, deadline - clock.unsafeCurrentTimeMillis())))
  /** A more impatient write, coming meanwhile, begins the wait anew. */
  const untilDeadline: Effect.Effect<void> = Effect.suspend(() => {
    asked.unsafeClose()
    return Effect.raceFirst(Effect.as(sleep, true), Effect.as(asked.await, false))
  }).pipe(Effect.repeat({ until: (slept) => slept }), Effect.asVoid)

  const start = fibers.startOnRequest(
    Effect.forever(
      Effect.gen(function* () {
        yield* asked.await
        yield* untilDeadline
        shortest = Number.POSITIVE_INFINITY
        deadline = Number.POSITIVE_INFINITY
        yield* Effect.ignore(wal.sync)
      })
    )
  )
  return {
    unsafeRequest: (millis) => {
      if (millis >= shortest) return
      shortest = millis
      deadline = Math.min(deadline, clock.unsafeCurrentTimeMillis() + millis)
      start()
      asked.unsafeOpen()
    }
  }
}
