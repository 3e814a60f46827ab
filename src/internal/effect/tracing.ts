import * as Effect from "effect/Effect"
import { hasTracer } from "./fiberState.js"

/**
 * Adds a span if the program has a tracer. Effect's default tracer discards spans, but making one
 * still takes time in a process that has just started.
 */
export const traced =
  (name: string, attributes: Readonly<Record<string, unknown>> = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) =>
      hasTracer(fiber)
        ? (Effect.withSpan(effect, name, { captureStackTrace: false, attributes }) as Effect.Effect<A, E, R>)
        : effect
    )
