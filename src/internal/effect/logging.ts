import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"

type Fields = Record<string, unknown>

/** Annotations of a log line: which component tells it, and its fields. */
export const annotate = (component: string, fields: Fields) => Effect.annotateLogs({ component, ...fields })

/** A line at Debug. Annotating costs some twenty steps of a fiber: they are saved where Debug is not logged. */
export const logDebug = (component: string, message: string, fields: Fields): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) =>
    LogLevel.greaterThan(fiber.getFiberRef(FiberRef.currentMinimumLogLevel), LogLevel.Debug)
      ? Effect.void
      : Effect.logDebug(message).pipe(annotate(component, fields))
  )
