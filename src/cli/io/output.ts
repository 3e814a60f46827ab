import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { CommandFailed, OutputClosed } from "../failure.js"
import { fileFailure } from "./fileFailure.js"
import { StandardStreams } from "./standardStreams.js"

/**
 * Writes a piece of output. Completes when it is written, so that a slow reader slows the command
 * down.
 */
export type Write = (data: string | Uint8Array) => Effect.Effect<void, CommandFailed | OutputClosed>

/** Writes to standard output. */
export const writeOutput: Write = (data) =>
  Effect.flatMap(StandardStreams, ({ stdout }) =>
    Effect.async((resume) => {
      if (data.length === 0) return resume(Effect.void)
      stdout.write(data, (error) => resume(error ? Effect.fail(outputFailure(error)) : Effect.void))
    })
  )

/** Writes to standard error. Ignores failures, because there is no place to report them. */
export const writeError = (text: string): Effect.Effect<void> =>
  Effect.flatMap(StandardStreams, ({ stderr }) =>
    Effect.async((resume) => {
      stderr.write(text, () => resume(Effect.void))
    })
  )

/**
 * Keeps a stream whose reader has gone from ending the process. The callback of each write reports
 * the error.
 */
export const tolerateClosedOutput: Effect.Effect<void> = Effect.map(StandardStreams, ({ stdout, stderr }) => {
  stdout.on("error", ignore)
  stderr.on("error", ignore)
})

/** Opens a file for output, created or truncated, or standard output if no file is given. */
export const openOutput = (
  file: Option.Option<string>
): Effect.Effect<Write, CommandFailed, FileSystem.FileSystem | Scope.Scope> =>
  Option.match(file, {
    onNone: () => Effect.succeed(writeOutput),
    onSome: (path) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const opened = yield* Effect.mapError(files.open(path, { flag: "w" }), fileFailure(path))
        const write: Write = (data) =>
          Effect.mapError(opened.writeAll(typeof data === "string" ? Buffer.from(data) : data), fileFailure(path))
        return write
      })
  })

const ignore = (): void => {}

const closedCodes = new Set(["EPIPE", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"])

const outputFailure = (error: NodeJS.ErrnoException): CommandFailed | OutputClosed =>
  closedCodes.has(error.code ?? "")
    ? new OutputClosed()
    : new CommandFailed({ message: `standard output: ${error.message}` })
