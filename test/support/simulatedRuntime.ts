import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as RuntimeFlagsPatch from "effect/RuntimeFlagsPatch"
import * as Scheduler from "effect/Scheduler"
import * as Supervisor from "effect/Supervisor"

/** A clock that returns the milliseconds of `now`. */
export const clockOf = (
  now: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>
): Clock.Clock => {
  const nanos = (): bigint => BigInt(now()) * 1_000_000n
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: now,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanos: Effect.sync(nanos),
    sleep
  }
}

/**
 * A scheduler that runs fibers by microtasks only, up to a million tasks in a row: far more than
 * one command takes.
 */
export const microtasks: Scheduler.Scheduler = new Scheduler.MixedScheduler(1_000_000)

/** Makes a fiber yield at its `step`th chance, and runs `between` before the fiber continues. */
export const yieldingAt = (step: number, between: () => void): Scheduler.Scheduler => {
  const base = new Scheduler.MixedScheduler(2048)
  let chances = 0
  return {
    shouldYield: () => (chances++ === step ? 1 : false),
    scheduleTask: (task, priority) =>
      base.scheduleTask(() => {
        if (chances > step) between()
        task()
      }, priority)
  }
}

/** Turns off the metrics that the run loop keeps of fibers. */
export const withoutRuntimeMetrics = Effect.withRuntimeFlagsPatch(
  RuntimeFlagsPatch.disable(RuntimeFlags.RuntimeMetrics)
)

class Operations extends Supervisor.AbstractSupervisor<void> {
  count = 0
  override value = Effect.void
  override onEffect(): void {
    this.count++
  }
}

/** Counts the operations that the run loop performs for an effect. */
export const operationsOf = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const seen = new Operations()
    return effect.pipe(
      Effect.supervised(seen),
      Effect.withRuntimeFlagsPatch(RuntimeFlagsPatch.enable(RuntimeFlags.OpSupervision)),
      Effect.map(() => seen.count)
    )
  })
