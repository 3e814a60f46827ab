/**
 * Several writes that are applied atomically.
 *
 * @since 3.0.0
 */

import { compare, encodeUtf8, prefixEnd, Utf8Scratch } from "./core/bytes/bytes.js"
import { writeU48 } from "./core/bytes/encoding.js"
import { EntryKind } from "./core/cursor/entryKind.js"
import { expirySize } from "./core/cursor/expiry.js"
import { operationSize, writeExpiringPut, writeOperation } from "./core/log/batchFormat.js"
import { encodeEnd } from "./core/ranges/rangeDeletion.js"
import { type Expiry, expiryAt, type ResolvedExpiry, resolveExpiry } from "./internal/expiry/expiry.js"
import { InvalidArgument } from "./LsmError.js"

/**
 * A mutable list of puts and deletes. `Store.write` applies all of them or none.
 *
 * Operations are encoded when they are added, in the format of the log. If a key occurs more than
 * once, the last operation wins. A batch can be written more than once, and changed in between.
 *
 * A key or value that is neither bytes nor a well-formed string makes the batch invalid: `write`
 * then fails with `InvalidArgument`.
 *
 * @example
 * ```ts
 * import { WriteBatch } from "effect-lsm"
 *
 * const batch = WriteBatch.make().put("user:1", "Ada").delete("user:2")
 * console.log(batch.size) // 2
 * ```
 *
 * @since 3.0.0
 * @category models
 */
export class WriteBatch {
  /** Full pieces, in order. Growing one buffer would copy it and touch new memory each time. */
  private pieces: Array<Uint8Array> = []
  private pieceBytes = 0
  private buffer = new Uint8Array(firstPiece)
  /** Bytes used of `buffer`. */
  private used = 0
  private operations = 0
  private dataLength = 0
  private deletions = 0
  private longestKeyLength = 0
  private longestValueLength = 0
  private fault: string | undefined
  private conditions: Array<Check> = []
  private lifetimes: Array<Lifetime> = []

  /**
   * Adds a put. Strings are encoded as UTF-8. Bytes are copied, so the caller may reuse them. A time to
   * live begins when the batch is written.
   */
  put(key: Uint8Array | string, value: Uint8Array | string, expiry?: Expiry): this {
    const keyBytes = this.bytesOf(key, "key", keyScratch)
    const valueBytes = this.bytesOf(value, "value", valueScratch)
    const resolved = expiry === undefined ? undefined : resolveExpiry(expiry)
    if (resolved instanceof InvalidArgument) {
      this.fault ??= `the ${resolved.argument} of operation ${this.operations + 1} ${resolved.reason}`
    } else if (keyBytes !== undefined && valueBytes !== undefined) {
      if (resolved === undefined) this.add(keyBytes, valueBytes, EntryKind.value)
      else this.addExpiring(keyBytes, valueBytes, resolved)
    }
    return this
  }

  /** Adds a delete. Deleting a key that is absent is not an error. */
  delete(key: Uint8Array | string): this {
    const keyBytes = this.bytesOf(key, "key", keyScratch)
    if (keyBytes !== undefined) this.add(keyBytes, undefined, EntryKind.deletion)
    return this
  }

  /**
   * Adds a delete of all keys in a range, those that earlier operations of the batch put included. It
   * costs the same however many keys there are. An empty range adds nothing; a range without bounds is
   * the whole store.
   *
   * @since 3.1.0
   */
  deleteRange(range: DeletedRange): this {
    const fault = rangeFault(range)
    if (fault !== undefined) {
      this.fault ??= `the range of operation ${this.operations + 1} ${fault}`
      return this
    }
    let start = range.start === undefined ? nothing : this.bytesOf(range.start, "start")
    let end = range.end === undefined ? undefined : this.bytesOf(range.end, "end")
    if (range.prefix !== undefined) {
      const prefix = this.bytesOf(range.prefix, "prefix") ?? nothing
      const behind = prefixEnd(prefix)
      if (start !== undefined && compare(prefix, start) > 0) start = prefix
      if (behind !== undefined && (end === undefined || compare(behind, end) < 0)) end = behind
    }
    if (this.fault !== undefined || start === undefined) return this
    if (end === undefined || compare(start, end) < 0) this.add(start, encodeEnd(end), EntryKind.rangeDeletion)
    return this
  }

  /** The same for the keys that begin with `prefix`. */
  deletePrefix(prefix: Uint8Array | string): this {
    return this.bytesOf(prefix, "prefix") === undefined ? this : this.deleteRange({ prefix })
  }

  /**
   * Adds a condition: the batch is written only if `version` is the version of the key's newest
   * value, or the key is absent. `Store.getEntry` returns versions. The conditions of a batch are
   * decided together, right before it gets its place in the log; if one does not hold, `write` fails
   * with `Conflict`. Operations of the batch do not matter to its own conditions.
   *
   * @since 3.1.0
   */
  check(key: Uint8Array | string, version: number | "absent"): this {
    const bytes = this.bytesOf(key, "key")
    if (version !== "absent" && !(Number.isSafeInteger(version) && version > 0)) {
      this.fault ??= `the version ${String(version)} of a check is neither a version nor "absent"`
    }
    if (bytes !== undefined) this.conditions.push({ key: Uint8Array.from(bytes), version })
    return this
  }

  /** Removes all operations and conditions, so that the batch can be reused. */
  clear(): this {
    this.conditions = []
    this.lifetimes = []
    this.pieces = []
    this.pieceBytes = 0
    this.used = 0
    this.operations = 0
    this.dataLength = 0
    this.deletions = 0
    this.longestKeyLength = 0
    this.longestValueLength = 0
    this.fault = undefined
    return this
  }

  /** The number of operations. */
  get size(): number {
    return this.operations
  }

  /** The size of the operations in the log, in bytes. */
  get byteLength(): number {
    return this.pieceBytes + this.used
  }

  /** Returns an independent batch with the same operations. @internal */
  copy(): WriteBatch {
    const copy = new WriteBatch()
    copy.pieces = [...this.pieces]
    copy.pieceBytes = this.pieceBytes
    copy.buffer = this.buffer.slice(0, this.used)
    copy.used = this.used
    copy.operations = this.operations
    copy.dataLength = this.dataLength
    copy.deletions = this.deletions
    copy.longestKeyLength = this.longestKeyLength
    copy.longestValueLength = this.longestValueLength
    copy.fault = this.fault
    copy.conditions = [...this.conditions]
    copy.lifetimes = [...this.lifetimes]
    return copy
  }

  /** Copies its operations, `byteLength` bytes, to `target` at `at`. @internal */
  copyTo(target: Uint8Array, at: number): void {
    for (const piece of this.pieces) {
      target.set(piece, at)
      at += piece.length
    }
    target.set(this.buffer.subarray(0, this.used), at)
  }

  /** The batch as the store writes it. @internal */
  get encoded(): EncodedBatch {
    return {
      length: this.byteLength,
      dataBytes: this.dataLength,
      deletes: this.deletions,
      longestKey: this.longestKeyLength,
      longestValue: this.longestValueLength,
      fault: this.fault,
      checks: this.conditions,
      ttls: this.lifetimes
    }
  }

  private addExpiring(key: Uint8Array, value: Uint8Array, expiry: ResolvedExpiry): void {
    this.reserve(operationSize(key.length, expirySize + value.length))
    this.used = writeExpiringPut(this.buffer, this.used, key, key.length, value, "at" in expiry ? expiry.at : 0)
    if ("after" in expiry) {
      this.lifetimes.push({ at: this.byteLength - value.length - expirySize, millis: expiry.after })
    }
    this.count(key.length, value.length)
  }

  private add(key: Uint8Array, value: Uint8Array | undefined, kind: number): void {
    this.reserve(operationSize(key.length, value === undefined ? -1 : value.length))
    this.used = writeOperation(this.buffer, this.used, key, key.length, value, kind)
    if (kind !== EntryKind.value) this.deletions++
    // The end of a range is a key.
    if (kind === EntryKind.rangeDeletion) this.count(Math.max(key.length, value!.length), 0)
    else this.count(key.length, value?.length ?? 0)
  }

  private count(keyLength: number, valueLength: number): void {
    this.operations++
    this.dataLength += keyLength + valueLength
    this.longestKeyLength = Math.max(this.longestKeyLength, keyLength)
    this.longestValueLength = Math.max(this.longestValueLength, valueLength)
  }

  /** Makes room for one more operation in `buffer`. */
  private reserve(size: number): void {
    const { buffer, used } = this
    const needed = used + size
    if (needed <= buffer.length) return
    if (needed <= longestPiece) {
      this.buffer = new Uint8Array(Math.max(needed, Math.min(buffer.length * 2, longestPiece)))
      this.buffer.set(buffer.subarray(0, used))
      return
    }
    if (used > 0) this.pieces.push(buffer.subarray(0, used))
    this.pieceBytes += used
    this.buffer = new Uint8Array(Math.max(size, longestPiece))
    this.used = 0
  }

  /**
   * Returns the bytes of a key or value. Anything else is kept as the fault with which `write`
   * fails.
   */
  private bytesOf(input: unknown, what: string, scratch?: Utf8Scratch): Uint8Array | undefined {
    if (input instanceof Uint8Array) return input
    const bytes = typeof input !== "string" ? undefined : scratch ? scratch.encode(input) : encodeUtf8(input)
    if (bytes === undefined) {
      const reason =
        typeof input === "string"
          ? "a string with a lone surrogate, which has no UTF-8 encoding"
          : "neither a string nor a Uint8Array"
      this.fault ??= `the ${what} of operation ${this.operations + 1} is ${reason}`
    }
    return bytes
  }
}

const firstPiece = 256
/** Pieces do not grow beyond this, but for one operation that is longer. */
const longestPiece = 256 * 1024

const nothing = new Uint8Array(0)

/** Shared, because an operation is encoded in one synchronous step. */
const keyScratch = new Utf8Scratch()
const valueScratch = new Utf8Scratch()

/**
 * Why something is no range to delete, or undefined. A mistake in its name must not make it the whole
 * store.
 *
 * @internal
 */
export const rangeFault = (range: unknown): string | undefined => {
  if (typeof range !== "object" || range === null || Array.isArray(range) || ArrayBuffer.isView(range)) {
    return "is not an object with start, end or prefix"
  }
  const other = Object.keys(range).find((name) => name !== "start" && name !== "end" && name !== "prefix")
  return other === undefined ? undefined : `has ${other}, not only start, end and prefix`
}

/**
 * A range of keys to delete, as `Store.Range`.
 *
 * @since 3.1.0
 * @category models
 */
export interface DeletedRange {
  readonly start?: Uint8Array | string | undefined
  readonly end?: Uint8Array | string | undefined
  readonly prefix?: Uint8Array | string | undefined
}

/**
 * A batch in the format of the log.
 *
 * @internal
 */
export interface EncodedBatch {
  readonly length: number
  /** Bytes of all keys and values. */
  readonly dataBytes: number
  readonly deletes: number
  readonly longestKey: number
  readonly longestValue: number
  readonly fault: string | undefined
  readonly checks: ReadonlyArray<Check>
  readonly ttls: ReadonlyArray<Lifetime>
}

/**
 * The time at `at` is written when the batch is: so many milliseconds later.
 *
 * @internal
 */
export interface Lifetime {
  readonly at: number
  readonly millis: number
}

/**
 * Writes the times of values into the operations at `bytes[start, ...)`.
 *
 * @internal
 */
export const writeTimes = (bytes: Uint8Array, start: number, ttls: ReadonlyArray<Lifetime>, now: number): void => {
  for (const { at, millis } of ttls) writeU48(bytes, start + at, expiryAt({ after: millis }, now))
}

/**
 * A condition of a batch.
 *
 * @internal
 */
export interface Check {
  readonly key: Uint8Array
  readonly version: number | "absent"
}

/**
 * Makes an empty batch.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make = (): WriteBatch => new WriteBatch()
