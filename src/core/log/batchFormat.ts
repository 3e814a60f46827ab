import { copyInto } from "../bytes/bytes.js"
import {
  readU32,
  readU48,
  readVarint,
  varintEnd,
  varintLength,
  writeU32,
  writeU48,
  writeVarint
} from "../bytes/encoding.js"
import { EntryKind } from "../cursor/entryKind.js"
import { expirySize } from "../cursor/expiry.js"
import { CorruptionFailure } from "../storage/failure.js"

/**
 * The payload of a log record: one batch.
 *
 * ```
 *  0                 6         10
 * +-----------------+---------+----------------------------------------------------+
 * | first sequence  | count 4 | kind 1 | key length v | key | value length v | value | ...
 * | number 6        |         |                                                    |
 * +-----------------+---------+----------------------------------------------------+
 * ```
 *
 * Operation i has sequence number `first + i`. A deletion has neither value nor value length. The key
 * of a range deletion is the start of its range, and its value the end; see `EntryKind`. A value that
 * expires begins with 6 bytes, the time. `v` is a varint.
 */
export const batchHeaderSize = 10

export const operationSize = (keyLength: number, valueLength: number): number =>
  valueLength < 0
    ? 1 + varintLength(keyLength) + keyLength
    : 1 + varintLength(keyLength) + keyLength + varintLength(valueLength) + valueLength

export const writeBatchHeader = (bytes: Uint8Array, at: number, sequence: number, count: number): number => {
  writeU48(bytes, at, sequence)
  writeU32(bytes, at + 6, count)
  return at + batchHeaderSize
}

/** Writes one operation; an undefined value is a deletion. */
export const writeOperation = (
  bytes: Uint8Array,
  at: number,
  key: Uint8Array,
  keyLength: number,
  value: Uint8Array | undefined,
  kind: number = value === undefined ? EntryKind.deletion : EntryKind.value
): number => {
  bytes[at] = kind
  at = writeVarint(bytes, at + 1, keyLength)
  copyInto(key, 0, keyLength, bytes, at)
  at += keyLength
  if (value === undefined) return at
  at = writeVarint(bytes, at, value.length)
  copyInto(value, 0, value.length, bytes, at)
  return at + value.length
}

/** Writes a put of a value that expires. Its length in the log is that of the value and the time. */
export const writeExpiringPut = (
  bytes: Uint8Array,
  at: number,
  key: Uint8Array,
  keyLength: number,
  value: Uint8Array,
  expiry: number
): number => {
  bytes[at] = EntryKind.expiringValue
  at = writeVarint(bytes, at + 1, keyLength)
  copyInto(key, 0, keyLength, bytes, at)
  at = writeVarint(bytes, at + keyLength, expirySize + value.length)
  writeU48(bytes, at, expiry)
  copyInto(value, 0, value.length, bytes, at + expirySize)
  return at + expirySize + value.length
}

export const batchSequence = (bytes: Uint8Array, at: number): number => readU48(bytes, at)
export const batchCount = (bytes: Uint8Array, at: number): number => readU32(bytes, at + 6)

/** Receives the operations of a batch. */
export interface BatchTarget {
  insert(
    sequence: number,
    kind: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number
  ): void
}

const malformed = (reason: string): never => {
  throw new CorruptionFailure("", 0, "batch", reason)
}

/**
 * Passes each operation of the batch at `bytes[start, end)` to `target`, in order.
 *
 * @throws CorruptionFailure
 */
export const applyBatch = (bytes: Uint8Array, start: number, end: number, target: BatchTarget): void => {
  if (end - start < batchHeaderSize) malformed("too short for a header")
  const count = readU32(bytes, start + 6)
  applyOperations(bytes, start + batchHeaderSize, end, readU48(bytes, start), count, target)
}

/** The same for `count` operations without a header. */
export const applyOperations = (
  bytes: Uint8Array,
  start: number,
  end: number,
  sequence: number,
  count: number,
  target: BatchTarget
): void => {
  let at = start
  for (let i = 0; i < count; i++) {
    if (at >= end) malformed(`${i} of ${count} operations`)
    const kind = bytes[at]!
    if (kind > EntryKind.expiringValue || kind === EntryKind.valueHandle) malformed(`unknown kind ${kind}`)
    const keyLength = readVarint(bytes, at + 1, end)
    if (keyLength < 0 || varintEnd + keyLength > end) malformed("a key runs past the end")
    const keyStart = varintEnd
    const keyEnd = keyStart + keyLength
    if (kind === EntryKind.deletion) {
      target.insert(sequence + i, kind, bytes, keyStart, keyEnd, keyEnd, keyEnd)
      at = keyEnd
      continue
    }
    const valueLength = readVarint(bytes, keyEnd, end)
    if (valueLength < 0 || varintEnd + valueLength > end) malformed("a value runs past the end")
    const valueStart = varintEnd
    at = valueStart + valueLength
    if (kind === EntryKind.expiringValue && valueLength < expirySize) malformed("a value without its time")
    target.insert(sequence + i, kind, bytes, keyStart, keyEnd, valueStart, at)
  }
  if (at !== end) malformed("bytes after the last operation")
}

/**
 * Checks a batch without applying it, so that a damaged batch is rejected as a whole.
 *
 * @throws CorruptionFailure
 */
export const checkBatch = (bytes: Uint8Array, start: number, end: number): void =>
  applyBatch(bytes, start, end, { insert: () => undefined })
