import { unsited } from "../../core/cursor/unsited.js"
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

// Classes, because an iterator has a shape of its own, and literals with functions cost the collector more.

class KeyShape implements Shape<Data> {
  private readonly reader: Reader

  constructor(
    private readonly skip: number,
    format: Format
  ) {
    this.reader = new Reader(format)
  }

  take(cursor: VisibleCursor): Data {
    return keyOf(cursor, this.skip, this.reader)
  }

  size(cursor: VisibleCursor): number {
    return keySize(cursor)
  }
}

class ValueShape implements Shape<Data> {
  private readonly reader: Reader

  constructor(format: Format) {
    this.reader = new Reader(format)
  }

  take(cursor: VisibleCursor): Data {
    return valueOf(cursor, this.reader)
  }

  size(cursor: VisibleCursor): number {
    return cursor.valueLength
  }
}

class EntryShape implements Shape<LevelEntry> {
  private readonly keys: Reader | undefined
  private readonly values: Reader | undefined

  constructor(
    private readonly skip: number,
    keyFormat: Format | undefined,
    valueFormat: Format | undefined
  ) {
    this.keys = keyFormat && new Reader(keyFormat)
    this.values = valueFormat && new Reader(valueFormat)
  }

  take(cursor: VisibleCursor): LevelEntry {
    const { keys, values } = this
    return unsited(keys && keyOf(cursor, this.skip, keys), values && valueOf(cursor, values))
  }

  size(cursor: VisibleCursor): number {
    return keySize(cursor) + (this.values === undefined ? 0 : cursor.valueLength)
  }
}

/** Keys in a format, without their first `skip` bytes. */
export const levelKey = (skip: number, format: Format): Shape<Data> => new KeyShape(skip, format)

export const levelValue = (format: Format): Shape<Data> => new ValueShape(format)

/** Entries with what was asked for. */
export const levelEntry = (
  skip: number,
  keyFormat: Format | undefined,
  valueFormat: Format | undefined
): Shape<LevelEntry> => new EntryShape(skip, keyFormat, valueFormat)
