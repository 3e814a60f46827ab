import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"

/** A clock that returns the milliseconds of `now`. */
export const clockOf = (
  now: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>
): Clock.Clock => {
  const nanos = () => BigInt(now()) * 1_000_000n
  const nanoseconds = Effect.sync(nanos)
  return {
    // Effect's own clock does so too: `Effect.repeat` sleeps for no time.
    sleep: (duration) => (Duration.isZero(duration) ? Effect.yieldNow : sleep(duration)),
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: nanoseconds,
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: nanoseconds
  }
}

/** A scheduler that runs fibers by microtasks only. */
export const microtasks: Scheduler.Scheduler = new Scheduler.MixedScheduler("async", (run) => {
  let isCancelled = false
  queueMicrotask(() => {
    if (!isCancelled) run()
  })
  return () => {
    isCancelled = true
  }
})

/** Makes a fiber yield at its `step`th chance, and runs `between` before the fiber continues. */
export const yieldingAt = (step: number, between: () => void): Scheduler.Scheduler => {
  const base = new Scheduler.MixedScheduler()
  let chances = 0
  return {
    executionMode: "async",
    shouldYield: () => chances++ === step,
    makeDispatcher: () => {
      const dispatcher = base.makeDispatcher()
      const scheduleTask = (task: () => void, priority: number) =>
        dispatcher.scheduleTask(() => {
          if (chances > step) between()
          task()
        }, priority)
      return { scheduleTask, flush: () => dispatcher.flush() }
    }
  }
}

/** Turns off the metrics that the run loop keeps of fibers. */
export const withoutRuntimeMetrics = Metric.disableRuntimeMetrics

/** Counts the operations that the run loop performs for an effect: it hands each to the tracer. */
export const operationsOf = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    let count = 0
    const counting = Tracer.make({
      span: (options) => new Tracer.NativeSpan(options),
      context: (primitive, fiber) => {
        count++
        return primitive["~effect/Effect/evaluate"](fiber)
      }
    })
    return Effect.map(Effect.withTracer(effect, counting), () => count)
  })
