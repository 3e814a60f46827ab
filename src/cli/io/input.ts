import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CommandFailed } from "../failure.js"
import { fileFailure } from "./fileFailure.js"
import { StandardStreams } from "./standardStreams.js"

/** Bytes from a file or from standard input. */
export interface Input {
  readonly bytes: Stream.Stream<Uint8Array, CommandFailed>
  /** The number of bytes, if it is known. */
  readonly size: number | undefined
}

/** Standard input. */
export const standardInput: Effect.Effect<Input> = Effect.map(StandardStreams, (streams) => ({
  bytes: NodeStream.fromReadable(
    () => streams.stdin,
    (error) =>
      new CommandFailed({ message: `standard input: ${error instanceof Error ? error.message : String(error)}` }),
    { closeOnDone: false }
  ),
  size: undefined
}))

/** Opens a file, or standard input if no file is given or its name is `-`. */
export const openInput = (file: Option.Option<string>): Effect.Effect<Input, CommandFailed, FileSystem.FileSystem> =>
  Option.match(
    Option.filter(file, (path) => path !== "-"),
    {
      onNone: () => standardInput,
      onSome: (path) =>
        Effect.gen(function* () {
          const files = yield* FileSystem.FileSystem
          const failed = fileFailure(path)
          const info = yield* Effect.mapError(files.stat(path), failed)
          if (info.type === "Directory") return yield* new CommandFailed({ message: `${path} is a directory` })
          return {
            bytes: Stream.mapError(files.stream(path, { chunkSize: 256 * 1024 }), failed),
            size: info.type === "File" ? Number(info.size) : undefined
          }
        })
    }
  )

/** Reads all of an input. Fails if it is longer than `limit` bytes. */
export const readAll = (input: Input, limit: number): Effect.Effect<Uint8Array, CommandFailed> =>
  Effect.suspend(() => {
    const pieces: Array<Uint8Array> = []
    let length = 0
    return Stream.runForEach(input.bytes, (piece) => {
      pieces.push(piece)
      length += piece.length
      return length > limit
        ? Effect.fail(new CommandFailed({ message: `standard input: more than ${limit} bytes` }))
        : Effect.void
    }).pipe(Effect.map(() => Buffer.concat(pieces, length)))
  })
