import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

const idle = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * Adds a span if the program has a tracer. Effect's default tracer discards spans, but making one
 * still takes time in a process that has just started. Used for the steps of opening a store.
 */
export const traced =
  (name: string, attributes: Readonly<Record<string, unknown>> = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) =>
      fiber.currentTracer === idle
        ? effect
        : (Effect.withSpan(effect, name, { captureStackTrace: false, attributes }) as Effect.Effect<A, E, R>)
    )
