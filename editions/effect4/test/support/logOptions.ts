import * as Cause from "effect/Cause"
import type * as Logger from "effect/Logger"
import * as References from "effect/References"

type Options = Logger.Options<unknown>

/** The level of a log entry, such as `"WARN"`. */
export const levelOf = (options: Options): string => options.logLevel.toUpperCase()

export const annotationsOf = ({ fiber }: Options): Readonly<Record<string, unknown>> =>
  fiber.getRef(References.CurrentLogAnnotations)

/** The cause of a log entry as text. `""` if there is none. */
export const causeOf = ({ cause: { reasons }, cause }: Options): string =>
  reasons.length > 0 ? Cause.pretty(cause) : ""
