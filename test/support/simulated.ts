import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { clockOf, microtasks } from "./simulatedRuntime.js"

/**
 * A clock that stands still until it is advanced. Unlike TestClock, it does not wait until all
 * fibers are suspended, which takes tens of milliseconds of real time. Yield to the event loop
 * instead.
 */
export class SimulatedClock {
  private now = 0
  private readonly sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()

  /** In milliseconds. */
  get time(): number {
    return this.now
  }

  /** Advances the clock at once, and wakes the sleepers whose time has come. */
  advance(millis: number): void {
    this.now += millis
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.now) continue
      this.sleepers.delete(sleeper)
      sleeper.wake()
    }
  }

  /** The clock for Effects. */
  readonly clock = clockOf(
    () => this.now,
    (duration) =>
      Effect.async<void>((resume) => {
        const sleeper = { until: this.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
        this.sleepers.add(sleeper)
        return Effect.sync(() => this.sleepers.delete(sleeper))
      })
  )
}

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
      Effect.withClock(clock.clock),
      Effect.withRandom(Random.make(seed)),
      Effect.withTracerEnabled(false),
      Effect.withScheduler(microtasks),
      Logger.withMinimumLogLevel(LogLevel.None)
    )
  })
