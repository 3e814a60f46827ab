import * as Array from "effect/Array"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { annotationsOf, causeOf, levelOf } from "./logOptions.js"

export interface LogEntry {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
  readonly cause: string
}

/** A logger that keeps its entries, and a layer that replaces the default logger with it. */
export const captureLogs = (level: LogLevel.LogLevel = LogLevel.Debug) => {
  const entries: Array<LogEntry> = []
  const logger = Logger.make((options) => {
    entries.push({
      level: levelOf(options),
      message: Array.ensure(options.message).map(String).join(" "),
      annotations: annotationsOf(options),
      cause: causeOf(options)
    })
  })
  return {
    entries,
    /** The entries whose message starts with `message`. */
    with: (message: string) => entries.filter((entry) => entry.message.startsWith(message)),
    above: (label: "WARN" | "ERROR") =>
      entries.filter((entry) =>
        (label === "WARN" ? ["WARN", "ERROR", "FATAL"] : ["ERROR", "FATAL"]).includes(entry.level)
      ),
    layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(level))
  }
}
