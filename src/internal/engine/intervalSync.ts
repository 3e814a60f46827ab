import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { WalService } from "../../Wal.js"
import type { LazyFibers } from "../effect/lazyFibers.js"
import { Signal } from "../effect/signal.js"

/** Syncs the log within the shortest interval of the writes that wait for it. */
export interface IntervalSync {
  /** Requests a sync within this many milliseconds. */
  readonly unsafeRequest: (millis: number) => void
}

/** For a store that takes no writes. */
export const noSync: IntervalSync = { unsafeRequest: () => undefined }

/** Syncs in a fiber that sleeps while no write waits. A failed sync is reported by the log. */
export const makeIntervalSync = (wal: WalService, clock: Clock.Clock, fibers: LazyFibers): IntervalSync => {
  const asked = new Signal()
  /** The shortest interval requested since the last sync, and when it ends. */
  let shortest = Number.POSITIVE_INFINITY
  let deadline = Number.POSITIVE_INFINITY

  const sleep = Effect.suspend(() => Effect.sleep(Math.max(0, deadline - clock.unsafeCurrentTimeMillis())))
  /** A request with a shorter interval restarts the wait. */
  const untilDeadline: Effect.Effect<void> = Effect.suspend(() => {
    asked.lower()
    return Effect.raceFirst(Effect.as(sleep, true), Effect.as(asked.wait, false))
  }).pipe(Effect.repeat({ until: (slept) => slept }), Effect.asVoid)

  const start = fibers.startOnRequest(
    Effect.forever(
      Effect.gen(function* () {
        yield* asked.wait
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
      asked.raise()
    }
  }
}
