import { copyRange } from "../../core/bytes/bytes.js"
import type { VisibleCursor } from "../../core/cursor/visibleCursor.js"
import { keyShape, type Shape } from "../engine/rangeReader.js"
import { type Data, type Format, toFormat } from "./formats.js"

/** An entry of an iterator. What was not asked for is undefined. */
export type LevelEntry = [key: Data | undefined, value: Data | undefined]

/** Takes the key under a cursor without the first `skip` bytes. */
const keyOf = (cursor: VisibleCursor, skip: number, format: Format): Data => {
  const { keyBytes, keyEnd, keyStart } = cursor
  if (format === "utf8") return toFormat(keyBytes, keyStart + skip, keyEnd, format)
  const copy = copyRange(keyBytes, keyStart + skip, keyEnd)
  return toFormat(copy, 0, copy.length, format)
}

const valueOf = (cursor: VisibleCursor, format: Format): Data => {
  const separated = cursor.readSeparated()
  if (separated !== undefined) return toFormat(separated, 0, separated.length, format)
  const { valueBytes, valueEnd, valueStart } = cursor
  if (format === "utf8") return toFormat(valueBytes, valueStart, valueEnd, format)
  const copy = copyRange(valueBytes, valueStart, valueEnd)
  return toFormat(copy, 0, copy.length, format)
}

const keySize = ({ keyEnd, keyStart }: VisibleCursor): number => keyEnd - keyStart

/** Keys as the store has them. */
export const storeKey: Shape<Uint8Array> = keyShape

export const levelKey = (skip: number, format: Format): Shape<Data> => ({
  take: (cursor) => keyOf(cursor, skip, format),
  size: keySize
})

export const levelValue = (format: Format): Shape<Data> => ({
  take: (cursor) => valueOf(cursor, format),
  size: (cursor) => cursor.valueLength
})

/** Entries with what was asked for. */
export const levelEntry = (
  skip: number,
  keyFormat: Format | undefined,
  valueFormat: Format | undefined
): Shape<LevelEntry> => ({
  take: (cursor) => [keyFormat && keyOf(cursor, skip, keyFormat), valueFormat && valueOf(cursor, valueFormat)],
  size: (cursor) => keySize(cursor) + (valueFormat === undefined ? 0 : cursor.valueLength)
})
