import type { VisibleCursor } from "../../core/cursor/visibleCursor.js"
import { keyShape, type Shape } from "../engine/rangeReader.js"
import { type Data, type Format, Reader } from "./formats.js"

/** An entry of an iterator. What was not asked for is undefined. */
export type LevelEntry = [key: Data | undefined, value: Data | undefined]

/** Takes the key under a cursor without the first `skip` bytes. */
const keyOf = ({ keyBytes, keyEnd, keyStart }: VisibleCursor, skip: number, reader: Reader): Data =>
  reader.read(keyBytes, keyStart + skip, keyEnd)

const valueOf = (cursor: VisibleCursor, reader: Reader): Data => {
  const separated = cursor.readSeparated()
  if (separated !== undefined) return reader.own(separated)
  return reader.read(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
}

const keySize = ({ keyEnd, keyStart }: VisibleCursor): number => keyEnd - keyStart

/** Keys as the store has them. */
export const storeKey: Shape<Uint8Array> = keyShape

export const levelKey = (skip: number, format: Format): Shape<Data> => {
  const reader = new Reader(format)
  return { take: (cursor) => keyOf(cursor, skip, reader), size: keySize }
}

export const levelValue = (format: Format): Shape<Data> => {
  const reader = new Reader(format)
  return { take: (cursor) => valueOf(cursor, reader), size: (cursor) => cursor.valueLength }
}

/** Entries with what was asked for. */
export const levelEntry = (
  skip: number,
  keyFormat: Format | undefined,
  valueFormat: Format | undefined
): Shape<LevelEntry> => {
  const keys = keyFormat && new Reader(keyFormat)
  const values = valueFormat && new Reader(valueFormat)
  return {
    take: (cursor) => [keys && keyOf(cursor, skip, keys), values && valueOf(cursor, values)],
    size: (cursor) => keySize(cursor) + (values === undefined ? 0 : cursor.valueLength)
  }
}
