import { logName, valuesName } from "../storage/fileNames.js"

/** The kinds of files that hold values. A log segment may hold them as well as a value file. */
export type ValueFileKind = "values" | "log"

/** A file that tables have handles to, as the manifest records it. */
export interface ValueFile {
  readonly fileNumber: number
  readonly kind: ValueFileKind
  /** Size of the whole file in bytes. */
  readonly size: number
}

/** The values of one file that a table has handles to. */
export interface ValueRef {
  readonly fileNumber: number
  readonly entries: number
  /** Bytes of the values. */
  readonly bytes: number
}

export const valueFileName = ({ fileNumber, kind }: Pick<ValueFile, "fileNumber" | "kind">): string =>
  kind === "log" ? logName(fileNumber) : valuesName(fileNumber)

/** Total bytes of the values that a table has handles to. */
export const referencedBytes = (refs: ReadonlyArray<ValueRef> | undefined): number =>
  refs === undefined ? 0 : refs.reduce((n, { bytes }) => n + bytes, 0)
