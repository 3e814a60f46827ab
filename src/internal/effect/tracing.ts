import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { hasTracer } from "./fiberState.js"

/** Attributes of a span by their names without the prefix `lsm.`. */
export type Attributes = Readonly<Record<string, unknown>>

const prefixed = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`lsm.${name}`, value]))

/**
 * Adds a span if the program has a tracer. Effect's default tracer discards spans, but making one
 * still takes time in a process that has just started.
 *
 * `root` is for background work: its fibers are started by an operation that ended long ago, and its
 * span must not be a child of that one's.
 */
export const traced =
  (name: string, attributes: Attributes = {}, { root = false }: { readonly root?: boolean } = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) =>
      hasTracer(fiber)
        ? (Effect.withSpan(effect, name, {
            captureStackTrace: false,
            attributes: prefixed(attributes),
            root
          }) as Effect.Effect<A, E, R>)
        : effect
    )

/** Adds attributes to the span that `traced` has made round this, if it has made one. */
export const annotateSpan = (attributes: () => Attributes): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) =>
    hasTracer(fiber) ? Effect.annotateCurrentSpan(prefixed(attributes())) : Effect.void
  )

/** `traced` for a Stream: the span lasts until the Stream ends. */
export const tracedStream =
  (name: string, attributes: Attributes) =>
  <A, E>(stream: Stream.Stream<A, E>): Stream.Stream<A, E> =>
    Stream.unwrap(
      Effect.withFiberRuntime((fiber) =>
        Effect.succeed(
          hasTracer(fiber)
            ? Stream.withSpan(stream, name, { captureStackTrace: false, attributes: prefixed(attributes) })
            : stream
        )
      )
    )
