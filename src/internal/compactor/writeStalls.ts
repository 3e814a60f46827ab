import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { annotate, logDebug } from "../effect/logging.js"

/** How writers are held back. */
export type Pressure = "none" | "slow" | "stop"

const severity: Record<Pressure, number> = { none: 0, slow: 1, stop: 2 }

/** Writers go on when nothing has held them back for so long. */
const calm = Duration.seconds(1)

/**
 * Reports that writers are held back. Pressure that goes to and fro around a limit is one stall: within it each degree is reported once, as it
 * gets worse, and the end when it has been gone for a second.
 */
export class WriteStalls {
  private reported: Pressure = "none"
  private wasPressed = false
  private readonly begun = Effect.unsafeMakeLatch(false)

  constructor(
    private readonly current: () => Pressure,
    private readonly fields: () => Record<string, unknown>
  ) {}

  /** The pressure as it is. A stall goes on when there is some. */
  readonly pressure = (): Pressure => {
    const now = this.current()
    if (now !== "none") this.wasPressed = true
    return now
  }

  readonly report: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.pressure()
    if (severity[now] <= severity[this.reported]) return Effect.void
    this.reported = now
    this.begun.unsafeOpen()
    return Effect.logWarning(now === "slow" ? "writers are slowed down" : "writers wait").pipe(
      annotate("Compactor", this.fields())
    )
  })

  /** Starts the fiber that reports the ends of stalls. */
  start(scope: Scope.Scope): Effect.Effect<Fiber.RuntimeFiber<void>> {
    const untilCalm = Effect.gen(this, function* () {
      do {
        this.wasPressed = false
        yield* Effect.sleep(calm)
      } while (this.pressure() !== "none" || this.wasPressed)
      this.reported = "none"
      this.begun.unsafeClose()
      yield* logDebug("Compactor", "writers go on", this.fields())
    })
    return Effect.forkIn(Effect.interruptible(Effect.forever(Effect.zipRight(this.begun.await, untilCalm))), scope)
  }
}
