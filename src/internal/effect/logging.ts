import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"

type Fields = Record<string, unknown>

/** Annotates a log line with its component and fields. */
export const annotate = (component: string, fields: Fields) => Effect.annotateLogs({ component, ...fields })

/**
 * Logs at Debug. Annotating takes some twenty steps of a fiber, so nothing is built unless Debug is
 * enabled.
 */
export const logDebug = (component: string, message: string, fields: Fields): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) =>
    LogLevel.greaterThan(fiber.getFiberRef(FiberRef.currentMinimumLogLevel), LogLevel.Debug)
      ? Effect.void
      : Effect.logDebug(message).pipe(annotate(component, fields))
  )
