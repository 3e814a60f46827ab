import * as Cause from "effect/Cause"
import * as HashMap from "effect/HashMap"
import type * as Logger from "effect/Logger"

type Options = Logger.Logger.Options<unknown>

/** The level of a log entry, such as `"WARN"`. */
export const levelOf = ({ logLevel }: Options): string => logLevel.label

export const annotationsOf = ({ annotations }: Options): Readonly<Record<string, unknown>> =>
  Object.fromEntries(HashMap.toEntries(annotations))

/** The cause of a log entry as text. `""` if there is none. */
export const causeOf = ({ cause }: Options): string => (Cause.isEmpty(cause) ? "" : Cause.pretty(cause))
