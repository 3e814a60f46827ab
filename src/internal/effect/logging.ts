import * as Effect from "effect/Effect"
import { logsDebug } from "./fiberState.js"

type Fields = Record<string, unknown>

/** Annotates a log line with its component and fields. */
export const annotate = (component: string, fields: Fields) => Effect.annotateLogs({ component, ...fields })

/**
 * Logs at Debug. Annotating takes some twenty steps of a fiber, so nothing is built unless Debug is
 * enabled.
 */
export const logDebug = (component: string, message: string, fields: Fields): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) =>
    logsDebug(fiber) ? Effect.logDebug(message).pipe(annotate(component, fields)) : Effect.void
  )
