import * as Array from "effect/Array"
import * as Cause from "effect/Cause"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

export interface LogEntry {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
  readonly cause: string
}

/** A logger that keeps its entries, and a layer that adds it. */
export const captureLogs = (level: LogLevel.LogLevel = LogLevel.Debug) => {
  const entries: Array<LogEntry> = []
  const logger = Logger.make(({ annotations, cause, logLevel, message }) => {
    entries.push({
      level: logLevel.label,
      message: Array.ensure(message).map(String).join(" "),
      annotations: Object.fromEntries(HashMap.toEntries(annotations)),
      cause: Cause.isEmpty(cause) ? "" : Cause.pretty(cause)
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
    layer: Layer.merge(Logger.add(logger), Logger.minimumLogLevel(level))
  }
}
