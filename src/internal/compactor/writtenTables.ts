import * as Effect from "effect/Effect"
import type { TableMeta } from "../../core/table/tableFormat.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import type { Change } from "../../Manifest.js"
import type { CompactorState } from "./state.js"

/**
 * Writes tables, then makes the change durable that names them. To be run in a region that is not
 * interruptible: only the writing is interrupted, which removes its tables again. Nothing comes
 * between the tables, the edit that names them and the removal of what they replace. A failed edit
 * may be on disk, so its tables stay.
 */
export const writeAndApply = (
  state: CompactorState,
  write: Effect.Effect<WriterJobResult, FileError>,
  change: (written: WriterJobResult) => Change
): Effect.Effect<WriterJobResult, FileError> => Effect.tap(write, (result) => state.apply(change(result)))

/** Tells of the files that were written, when they are part of the store. */
export const tellOfFiles = (
  { emit }: CompactorState,
  reason: "flush" | "compaction",
  level: number,
  { tables, valueFiles }: WriterJobResult
): void => {
  for (const { entries, fileNumber: table, size: bytes } of tables) {
    emit(() => ({ _tag: "TableMade", reason, table, level, bytes, entries }))
  }
  for (const { fileNumber: file, kind, size: bytes } of valueFiles) {
    if (kind === "values") emit(() => ({ _tag: "ValueFileMade", reason, file, bytes }))
  }
}

export const sizeOf = (tables: ReadonlyArray<TableMeta>): number => tables.reduce((n, { size }) => n + size, 0)

/** Bytes of all files that were written. A log segment that is kept for its values is none. */
export const bytesWritten = ({ tables, valueFiles }: WriterJobResult): number =>
  sizeOf(tables) + valueFiles.reduce((n, { kind, size }) => (kind === "values" ? n + size : n), 0)

/** The file numbers of tables as a log line shows them. */
export const numbersOf = (tables: ReadonlyArray<TableMeta>): string =>
  tables.map(({ fileNumber }) => fileNumber).join(" ")
