import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { StandardStreams } from "./standardStreams.js"

const logger = Layer.unwrapEffect(
  Effect.map(StandardStreams, ({ stderr }) =>
    Logger.replace(
      Logger.defaultLogger,
      Logger.map(Logger.logfmtLogger, (line) => void stderr.write(`${line}\n`))
    )
  )
)

/**
 * Logs only if --log-level is given, and to standard error, because standard output is for data.
 */
export const logging: Layer.Layer<never> = Layer.merge(logger, Logger.minimumLogLevel(LogLevel.None))
