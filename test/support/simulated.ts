import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"

/**
 * A clock that stands still until it is advanced. Unlike TestClock, it does not wait until all
 * fibers are suspended, which takes tens of milliseconds of real time. Yield to the event loop
 * instead.
 */
export class SimulatedClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private now = 0
  private readonly sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()

  /** Advances the clock at once, and wakes the sleepers whose time has come. */
  advance(millis: number): void {
    this.now += millis
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.now) continue
      this.sleepers.delete(sleeper)
      sleeper.wake()
    }
  }

  readonly unsafeCurrentTimeMillis = (): number => this.now
  readonly unsafeCurrentTimeNanos = (): bigint => BigInt(this.now) * 1_000_000n
  readonly currentTimeMillis = Effect.sync(this.unsafeCurrentTimeMillis)
  readonly currentTimeNanos = Effect.sync(this.unsafeCurrentTimeNanos)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const sleeper = { until: this.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      this.sleepers.add(sleeper)
      return Effect.sync(() => this.sleepers.delete(sleeper))
    })
  }
}

/**
 * The number of tasks that the scheduler runs before it yields to timers: far more than one command
 * takes.
 */
const tasks = 1_000_000

/**
 * Runs a program with its own clock, random numbers from a seed, and fibers scheduled by microtasks
 * only. So the same seed gives the same run.
 */
export const simulated = <A, E>(
  seed: number,
  program: (clock: SimulatedClock) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const clock = new SimulatedClock()
    return program(clock).pipe(
      Effect.withClock(clock),
      Effect.withRandom(Random.make(seed)),
      Effect.withTracerEnabled(false),
      Effect.withScheduler(new Scheduler.MixedScheduler(tasks)),
      Logger.withMinimumLogLevel(LogLevel.None)
    )
  })
