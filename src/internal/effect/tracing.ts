import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

const idle = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * A span where the program has a tracer. The default one hands spans to nobody, and to make one takes 0.4 ms of a process that has just
 * begun: so this is for what opening a store does.
 */
export const traced =
  (name: string, attributes: Readonly<Record<string, unknown>> = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) =>
      fiber.currentTracer === idle
        ? effect
        : (Effect.withSpan(effect, name, { captureStackTrace: false, attributes }) as Effect.Effect<A, E, R>)
    )
