import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import type { Store } from "../../Store.js"
import * as WriteBatch from "../../WriteBatch.js"
import { CommandFailed } from "../failure.js"
import type { EntryFormat } from "../format/entryFormat.js"
import type { Input } from "./input.js"
import { LineSplitter } from "./lineSplitter.js"
import type { Progress } from "./progress.js"

/** The counts of an import. */
export interface Imported {
  readonly puts: number
  readonly deletes: number
  readonly batches: number
}

/**
 * Reads lines and writes them in batches. A batch is atomic: if a line is invalid or a write fails,
 * all earlier batches stay and the current one is not written. The error gives the last imported
 * line.
 */
export const importLines = (
  store: Store,
  input: Input,
  format: EntryFormat,
  batchSize: number,
  progress: Progress
): Effect.Effect<Imported, CommandFailed> =>
  Effect.suspend(() => {
    const lines = new LineSplitter()
    const batch = WriteBatch.make()
    let bytes = 0
    let puts = 0
    let deletes = 0
    let batches = 0
    let keptLines = 0

    const failed = (reason: string): CommandFailed =>
      new CommandFailed({
        message: `${reason}; ${
          keptLines === 0 ? "nothing was imported" : `lines 1 to ${keptLines} were imported, later lines were not`
        }`
      })

    /** Adds a line to the batch. Returns an error message if the line is invalid. */
    const add = (line: Uint8Array): string | undefined => {
      if (isBlank(line)) return undefined
      const operation = format.parse(line)
      if (Either.isLeft(operation)) return operation.left
      const { key, value } = operation.right
      if (value === undefined) {
        batch.delete(key)
        deletes++
      } else {
        batch.put(key, value)
        puts++
      }
      return undefined
    }

    const commit = Effect.suspend(() => {
      if (batch.size === 0) return Effect.void
      const last = lines.lines
      return store.write(batch).pipe(
        Effect.mapError((error) => failed(`the batch of lines ${keptLines + 1} to ${last}: ${error.message}`)),
        Effect.zipRight(
          Effect.suspend(() => {
            batch.clear()
            batches++
            keptLines = last
            return progress.update(bytes, puts + deletes)
          })
        )
      )
    })

    /**
     * Adds whole lines until the batch is full or the piece has no more. Returns whether the piece
     * may have more.
     */
    const fill = Effect.suspend(() => {
      for (;;) {
        const line = lines.next()
        if (line === undefined) {
          return lines.tooLong ? Effect.fail(failed(`line ${lines.lines + 1}: too long`)) : Effect.succeed(false)
        }
        const fault = add(line)
        if (fault !== undefined) return Effect.fail(failed(`line ${lines.lines}: ${fault}`))
        if (batch.size >= batchSize || batch.byteLength >= maxBatchBytes) return Effect.as(commit, true)
      }
    })

    const takePiece = (piece: Uint8Array) => {
      bytes += piece.length
      lines.push(piece)
      return Effect.repeat(fill, { while: (more) => more })
    }

    const finish = Effect.suspend(() => {
      const line = lines.last()
      const fault = line === undefined ? undefined : add(line)
      return fault === undefined ? commit : Effect.fail(failed(`line ${lines.lines}: ${fault}`))
    })

    return Stream.mapError(input.bytes, (error) => failed(error.message)).pipe(
      Stream.runForEach(takePiece),
      Effect.zipRight(finish),
      Effect.ensuring(progress.end),
      Effect.map(() => ({ puts, deletes, batches }))
    )
  })

/** A batch is held in memory, so long values end it before the batch size does. */
const maxBatchBytes = 16 * 1024 * 1024

const isBlank = (line: Uint8Array): boolean => line.length === 0 || (line.length === 1 && line[0] === 0x0d)
