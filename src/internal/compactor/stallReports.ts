import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Emit } from "../../StoreEvent.js"
import { annotate, logDebug } from "../effect/logging.js"
import { Signal } from "../effect/signal.js"

/** How writers are held back. */
export type Pressure = "none" | "slow" | "stop"

/** What holds writers back, and how much of it there is. */
export interface Load {
  readonly reason: "level0Tables" | "frozenMemtables"
  readonly level0Tables: number
  readonly frozenMemtables: number
}

const severity: Record<Pressure, number> = { none: 0, slow: 1, stop: 2 }

/** A stall has ended when nothing has held writers back for this long. */
const calm = Duration.seconds(1)

/**
 * Tells that writers are held back: in the log, and as an event. Pressure that goes to and fro around a limit is one stall:
 * within it each degree is logged once, as it gets worse, and the end when it has been gone for a
 * second.
 */
export class StallReports {
  private reported: Pressure = "none"
  private wasPressed = false
  private readonly begun = new Signal()

  private begunAt = 0

  constructor(
    private readonly current: () => Pressure,
    private readonly load: () => Load,
    private readonly emit: Emit
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
    const isNew = this.reported === "none"
    this.reported = now
    this.begun.raise()
    const { reason, ...fields } = this.load()
    this.emit(() =>
      now === "slow" || isNew
        ? { _tag: "StallBegun", reason, pressure: now === "slow" ? "slow" : "stop", ...fields }
        : { _tag: "StallWorsened", reason, pressure: "stop", ...fields }
    )
    const warning = Effect.logWarning(now === "slow" ? "writers are slowed down" : "writers wait")
    return Effect.zipRight(isNew ? this.begin : Effect.void, annotate("Compactor", fields)(warning))
  })

  private readonly begin: Effect.Effect<void> = Effect.map(Clock.currentTimeMillis, (now) => {
    this.begunAt = now
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
      const { reason: _, ...fields } = this.load()
      const millis = (yield* Clock.currentTimeMillis) - this.begunAt
      this.emit(() => ({ _tag: "StallEnded", reason: "calm", ...fields, millis }))
      yield* logDebug("Compactor", "writers go on", fields)
    })
    return Effect.forkIn(Effect.interruptible(Effect.forever(Effect.zipRight(this.begun.wait, untilCalm))), scope)
  }
}
