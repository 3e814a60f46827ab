import { compareRange } from "../bytes/bytes.js"

/** Deletes the keys in the half-open range [start, end) that were written before `sequence`. */
export interface RangeDeletion {
  readonly start: Uint8Array
  /** Undefined if the range has no end. */
  readonly end: Uint8Array | undefined
  readonly sequence: number
}

/** The bytes that stand for the end of a range in an entry. No range ends before the empty key. */
export const encodeEnd = (end: Uint8Array | undefined): Uint8Array => end ?? noEnd

const noEnd = new Uint8Array(0)

/** Makes a range deletion from its entry. The bytes are copied. */
export const rangeDeletionOf = (
  sequence: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  valueBytes: Uint8Array,
  valueStart: number,
  valueEnd: number
): RangeDeletion => ({
  start: copyOf(keyBytes, keyStart, keyEnd),
  end: valueEnd === valueStart ? undefined : copyOf(valueBytes, valueStart, valueEnd),
  sequence
})

/** A copy. The `slice` of a Buffer is none. */
const copyOf = (bytes: Uint8Array, start: number, end: number): Uint8Array => new Uint8Array(bytes.subarray(start, end))

/** Whether `end` is above the key `bytes[from, to)`. An undefined end is above all keys. */
export const isAbove = (end: Uint8Array | undefined, bytes: Uint8Array, from: number, to: number): boolean =>
  end === undefined || compareRange(end, 0, end.length, bytes, from, to) > 0

/** Order of two ends. */
export const compareEnds = (a: Uint8Array | undefined, b: Uint8Array | undefined): number =>
  a === undefined ? (b === undefined ? 0 : 1) : b === undefined ? -1 : compareRange(a, 0, a.length, b, 0, b.length)

/** A closed range of keys. */
export interface Bounds {
  readonly smallestKey: Uint8Array
  readonly largestKey: Uint8Array
}

/** Whether a range deletion concerns a key of a closed range. */
export const overlapsBounds = ({ start, end }: RangeDeletion, { smallestKey, largestKey }: Bounds): boolean =>
  isAbove(end, smallestKey, 0, smallestKey.length) &&
  compareRange(start, 0, start.length, largestKey, 0, largestKey.length) <= 0

/** The range deletions that matter to a merge. */
export interface MergeRanges {
  /** Those that may cover entries of the inputs. */
  readonly covering: ReadonlyArray<RangeDeletion>
  /** The sequence numbers of those among the inputs that cover no entry of any other table. */
  readonly done: ReadonlyArray<number>
  /** The newest one in any table. */
  readonly newest: number
}
