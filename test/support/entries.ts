import * as FastCheck from "effect/FastCheck"
import { compare } from "../../src/core/bytes/bytes.js"
import { EntryKind } from "../../src/core/cursor/entryKind.js"
import type { InternalCursor } from "../../src/core/cursor/internalCursor.js"
import type { KeyRange } from "../../src/core/cursor/visibleCursor.js"

/** One version of a key. An undefined value is a deletion. */
export interface TestEntry {
  readonly key: Uint8Array
  readonly sequence: number
  readonly value: Uint8Array | undefined
  /** Default: that of a value or a deletion. */
  readonly kind?: number
}

export const nothing = new Uint8Array(0)

/**
 * A few short keys, so that collisions are likely: empty, zeros, 0xff, and prefixes of other keys.
 */
export const shortKey: FastCheck.Arbitrary<Uint8Array> = FastCheck.array(FastCheck.constantFrom(0, 1, 0x61, 0xff), {
  maxLength: 3
}).map((bytes) => Uint8Array.from(bytes))

/** Keys of all lengths, many with a long common prefix. */
export const anyKey: FastCheck.Arbitrary<Uint8Array> = FastCheck.oneof(
  shortKey,
  FastCheck.uint8Array({ maxLength: 20 }),
  FastCheck.tuple(FastCheck.constantFrom(4, 7, 8, 40, 127, 128, 300), shortKey).map(([length, tail]) => {
    const key = new Uint8Array(length + tail.length).fill(0x61)
    key.set(tail, length)
    return key
  })
)

export const anyValue: FastCheck.Arbitrary<Uint8Array> = FastCheck.oneof(
  { weight: 8, arbitrary: FastCheck.uint8Array({ maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: FastCheck.tuple(FastCheck.integer({ min: 100, max: 5000 }), FastCheck.nat(255)).map(([length, byte]) =>
      new Uint8Array(length).fill(byte)
    )
  }
)

/** Writes in order, with sequence numbers from 1. */
export const history = (
  key: FastCheck.Arbitrary<Uint8Array>,
  options: { readonly minLength?: number; readonly maxLength?: number } = {}
): FastCheck.Arbitrary<ReadonlyArray<TestEntry>> =>
  FastCheck.array(FastCheck.tuple(key, FastCheck.option(anyValue, { nil: undefined, freq: 4 })), {
    minLength: options.minLength ?? 0,
    maxLength: options.maxLength ?? 60,
    size: "max"
  }).map((writes) => writes.map(([k, value], i) => ({ key: k, value, sequence: i + 1 })))

/** Sorts by key, and the versions of one key from the newest to the oldest. */
export const inOrder = (entries: ReadonlyArray<TestEntry>): ReadonlyArray<TestEntry> =>
  [...entries].sort((a, b) => compare(a.key, b.key) || b.sequence - a.sequence)

export const kindOf = ({ kind, value }: Pick<TestEntry, "kind" | "value">): number =>
  kind ?? (value === undefined ? EntryKind.deletion : EntryKind.value)

/** Copies the entry at a cursor. */
export const current = (cursor: InternalCursor): TestEntry => ({
  key: cursor.keyBytes.slice(cursor.keyStart, cursor.keyEnd),
  sequence: cursor.sequence,
  value: cursor.kind === EntryKind.deletion ? undefined : cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd)
})

export const collect = (cursor: InternalCursor): ReadonlyArray<TestEntry> => {
  const entries: Array<TestEntry> = []
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) entries.push(current(cursor))
  return entries
}

/** Bytes as text, which compares faster than typed arrays and is easier to read in a report. */
export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")

/** An entry as text, for comparison. */
export const show = (entry: TestEntry | undefined): string | undefined =>
  entry && `${hex(entry.key)}@${entry.sequence} ${entry.value === undefined ? "deleted" : `= ${hex(entry.value)}`}`

export interface Pair {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** The entries visible at `sequence`, in key order. The model of every read. */
export const visibleAt = (
  entries: ReadonlyArray<TestEntry>,
  sequence: number,
  range: KeyRange = { start: undefined, end: undefined }
): ReadonlyArray<Pair> => {
  const newest = new Map<string, TestEntry>()
  for (const entry of entries) {
    const id = entry.key.join()
    if (entry.sequence <= sequence && entry.sequence >= (newest.get(id)?.sequence ?? 0)) newest.set(id, entry)
  }
  return inOrder([...newest.values()]).flatMap(({ key, value }) =>
    value !== undefined &&
    (range.start === undefined || compare(key, range.start) >= 0) &&
    (range.end === undefined || compare(key, range.end) < 0)
      ? [{ key, value }]
      : []
  )
}

/** A simple cursor over an array of entries. */
export class ArrayCursor implements InternalCursor {
  private at = -1
  private readonly entries: ReadonlyArray<TestEntry>

  constructor(entries: ReadonlyArray<TestEntry>) {
    this.entries = inOrder(entries)
  }

  private get current(): TestEntry {
    return this.entries[this.at]!
  }
  get entry(): this {
    return this
  }
  get valid(): boolean {
    return this.at >= 0 && this.at < this.entries.length
  }
  get keyBytes(): Uint8Array {
    return this.current.key
  }
  readonly keyStart = 0
  readonly valueIsOwn = false
  get keyEnd(): number {
    return this.current.key.length
  }
  get valueBytes(): Uint8Array {
    return this.current.value ?? nothing
  }
  readonly valueStart = 0
  get valueEnd(): number {
    return this.valueBytes.length
  }
  get sequence(): number {
    return this.current.sequence
  }
  get kind(): number {
    return kindOf(this.current)
  }
  seekToFirst(): void {
    this.at = 0
  }
  seekToLast(): void {
    this.at = this.entries.length - 1
  }
  seek(key: Uint8Array, length: number): void {
    const at = this.entries.findIndex((entry) => compare(entry.key, key.subarray(0, length)) >= 0)
    this.at = at < 0 ? this.entries.length : at
  }
  next(): void {
    this.at++
  }
  prev(): void {
    this.at--
  }
}
