import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { annotate, logDebug } from "../effect/logging.js"
import { Signal } from "../effect/signal.js"

/** How writers are held back. */
export type Pressure = "none" | "slow" | "stop"

const severity: Record<Pressure, number> = { none: 0, slow: 1, stop: 2 }

/** A stall has ended when nothing has held writers back for this long. */
const calm = Duration.seconds(1)

/**
 * Logs that writers are held back. Pressure that goes to and fro around a limit is one stall:
 * within it each degree is logged once, as it gets worse, and the end when it has been gone for a
 * second.
 */
export class StallReports {
  private reported: Pressure = "none"
  private wasPressed = false
  private readonly begun = new Signal()

  constructor(
    private readonly current: () => Pressure,
    private readonly fields: () => Record<string, unknown>
  ) {}

  /** The pressure now. If there is some, the stall goes on. */
  readonly pressure = (): Pressure => {
    const now = this.current()
    if (now !== "none") this.wasPressed = true
    return now
  }

  readonly report: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.pressure()
    if (severity[now] <= severity[this.reported]) return Effect.void
    this.reported = now
    this.begun.raise()
    return Effect.logWarning(now === "slow" ? "writers are slowed down" : "writers wait").pipe(
      annotate("Compactor", this.fields())
    )
  })

  /** Starts the fiber that logs the ends of stalls. */
  start(scope: Scope.Scope): Effect.Effect<Fiber.RuntimeFiber<void>> {
    const untilCalm = Effect.gen(this, function* () {
      do {
        this.wasPressed = false
        yield* Effect.sleep(calm)
      } while (this.pressure() !== "none" || this.wasPressed)
      this.reported = "none"
      this.begun.lower()
      yield* logDebug("Compactor", "writers go on", this.fields())
    })
    return Effect.forkIn(Effect.interruptible(Effect.forever(Effect.zipRight(this.begun.wait, untilCalm))), scope)
  }
}
