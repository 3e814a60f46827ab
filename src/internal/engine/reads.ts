/*
 * The read path of one key. Ranges are read in scans.ts and rangeReader.ts, from the same sources.
 *
 *   memtables            entry cache        level 0             level 1 ... 6
 *   active -> frozen  -> of the version  -> newest table     -> the one table whose range
 *   (newest first)                          first               may hold the key
 *
 *   in a table:  filter -> index -> data block, from the block cache or the file
 *
 * A large value lies in a segment of the log or in a value file, and its entry holds a handle. The
 * value is read only if it is returned, with one read into the memory that is returned, or that
 * `getWith` lends. The entry cache then holds the value.
 *
 * A lookup reads at the sequence number of its snapshot, or else at the newest visible one. It
 * searches the sources in this order, each for the newest version of the key at or before that
 * number, and ends with the first one found. Blocks that are not cached are read synchronously.
 *
 * What must always hold:
 *
 *  1. A lookup is one synchronous stretch. Nothing changes between its look at the memtables and
 *     its look at the tables, so it takes no lock and pins no version. Streams and cursors last
 *     longer, so they pin one.
 *  2. A lookup has one sequence number, and `getMany` one for all its keys. Versions that are newer
 *     are passed over.
 *  3. Of one key, each memtable, table of level 0 and deeper level holds only versions older than
 *     those in the sources before it. So the first version found is the newest that the lookup may
 *     see.
 *  4. A deletion is a version like any other: it ends the lookup, and the key is absent. A range
 *     deletion is looked up apart: it hides the version found if that is older. A version that has
 *     expired by the time of the read is a deletion too.
 *  5. The entry cache holds only newest versions of tables. It is searched after the memtables, so
 *     writes need not update it. Before tables get newer versions of keys, by a flush, these keys
 *     leave it, and before they get a range deletion, all entries do. A lookup that may not see an
 *     entry continues in the tables. Entries that a range deletion hides do not enter it.
 *  6. `found` points into memory of a memtable or a cache and is good until the next lookup. Bytes
 *     are copied before they leave.
 *  7. Damage is an error that names the file and the place. It is never an absent key. A poisoned
 *     store still reads.
 *  8. Every 256th lookup yields to the event loop if background work or a sync waits for it. It has
 *     its result by then.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { copyInto, copyRange, decodeUtf8, illFormed } from "../../core/bytes/bytes.js"
import { longestKey, ReusableLookupKey } from "../../core/bytes/lookupKey.js"
import { ReusedMemory } from "../../core/bytes/reusedMemory.js"
import { EntryKind, isTombstone } from "../../core/cursor/entryKind.js"
import { expires, expirySize, kindWithoutExpiry, readExpiry } from "../../core/cursor/expiry.js"
import { LookupResult } from "../../core/cursor/lookupResult.js"
import type { ValueSource } from "../../core/values/valueSource.js"
import { InvalidArgument, type ReadError } from "../../LsmError.js"
import type { Bytes, ReadOptions, VersionedValue } from "../../Store.js"
import { Immediate, Later, type YieldBudget } from "../effect/immediate.js"
import { type Engine, illFormedString, toReadError } from "./engine.js"

/** The newest value of a key. */
export interface NewestValue {
  /** Its sequence number; 0 if the key is absent. */
  readonly version: number
  /** Undefined if the key is absent. */
  readonly value: Uint8Array | undefined
  /** When the value expires; undefined if it does not. */
  readonly expiresAt: number | undefined
}

/** Lookups after which a lookup checks if it should yield to the event loop. */
const readsPerTurn = 256

/**
 * Lookups. Blocks that are not cached are read synchronously: that takes 1 to 3 µs from the page
 * cache, and a read through the thread pool takes 34 µs.
 */
export class Reads {
  private readonly key = new ReusableLookupKey()
  private readonly found = new LookupResult()
  /** When the value found expires; undefined if it does not. */
  private foundExpiry: number | undefined
  private untilTurn = readsPerTurn
  private untilSample = 1
  private readonly values: ValueSource
  private readonly memory = new ReusedMemory()
  /** Whether a caller of `getWith` uses that memory now. */
  private isLent = false

  constructor(private readonly engine: Engine) {
    this.values = engine.parts.tables.unsafeValues({ readAhead: 0 })
  }

  readonly get = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<Uint8Array>, ReadError> =>
    new PointRead(this, key, options, this.optionalBytes)

  readonly getString = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<string>, ReadError> =>
    new PointRead(this, key, options, this.optionalString)

  readonly getWith = <A>(
    key: Bytes,
    use: (value: Uint8Array) => A,
    options?: ReadOptions
  ): Effect.Effect<Option.Option<A>, ReadError> =>
    new PointRead(this, key, options, (there) => (there ? Option.some(this.lend(use)) : Option.none()))

  readonly has = (key: Bytes, options?: ReadOptions): Effect.Effect<boolean, ReadError> =>
    new PointRead(this, key, options, identity)

  readonly getMany = (
    keys: Iterable<Bytes>,
    options?: ReadOptions
  ): Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError> =>
    this.engine.readThen(() => {
      const sequence = this.engine.sequenceFor(options)
      // A string iterates over its characters, which is hardly ever intended.
      if (typeof keys === "string") throw new InvalidArgument({ argument: "keys", reason: "is one string, not many" })
      if (typeof (keys as Partial<Iterable<Bytes>> | null | undefined)?.[Symbol.iterator] !== "function") {
        throw new InvalidArgument({ argument: "keys", reason: "is not iterable" })
      }
      const time = this.engine.timeFor(options)
      const values: Array<Option.Option<Uint8Array>> = []
      for (const key of keys) values.push(this.optionalBytes(this.find(key, sequence, options, time)))
      return this.isTurnDue() ? this.engine.afterYield(values) : Effect.succeed(values)
    })

  readonly getEntry = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<VersionedValue>, ReadError> =>
    new PointRead(this, key, options, this.optionalEntry)

  /**
   * The newest applied version of a key; 0 if the key is absent.
   *
   * @throws InvalidArgument, and the failures of reads
   */
  newestVersion(key: Uint8Array): number {
    return this.find(key, this.engine.visibleSequence) ? this.found.sequence : 0
  }

  /** The same with its value. */
  newest(key: Uint8Array): NewestValue {
    if (!this.find(key, this.engine.visibleSequence)) return { version: 0, value: undefined, expiresAt: undefined }
    const version = this.found.sequence
    const expiresAt = this.foundExpiry
    return { version, value: this.copyFound(), expiresAt }
  }

  readonly unsafeGet = (key: Bytes, options?: ReadOptions): Uint8Array | undefined => {
    const { engine } = this
    const refusal = engine.readRefusal()
    if (refusal !== undefined) throw refusal
    try {
      return this.find(key, engine.sequenceFor(options), options) ? this.copyFound() : undefined
    } catch (failure) {
      throw toReadError(failure)
    }
  }

  get yieldBudget(): YieldBudget {
    return this.engine.yieldBudget
  }

  lookup<A>(key: Bytes, options: ReadOptions | undefined, answer: (there: boolean) => A): A | Later<A, ReadError> {
    const { engine } = this
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return new Later(Effect.fail(refusal))
    const { metrics, settings } = engine.parts
    const sampled = --this.untilSample <= 0
    const started = sampled ? metrics.unsafeNow() : 0
    try {
      const result = answer(this.find(key, engine.sequenceFor(options), options))
      if (sampled) {
        this.untilSample = settings.latencySampling
        metrics.getLatency.record((metrics.unsafeNow() - started) / 1e9)
      }
      return this.isTurnDue() ? new Later(engine.afterYield(result)) : result
    } catch (failure) {
      return new Later(failure instanceof Thrown ? Effect.die(failure.cause) : Effect.fail(toReadError(failure)))
    }
  }

  /** Whether to check for a yield: a loop of reads must not starve writes and background work. */
  private isTurnDue(): boolean {
    if (--this.untilTurn > 0) return false
    this.untilTurn = readsPerTurn
    return true
  }

  readonly expiresAt = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<number>, ReadError> =>
    new PointRead(this, key, options, (there) => {
      const { foundExpiry } = this
      return there && foundExpiry !== undefined ? Option.some(foundExpiry) : Option.none()
    })

  /**
   * Looks for a key's value. Returns true when `found` holds it. `time` is that of the read, if it was
   * taken already.
   */
  private find(input: Bytes, sequence: number, options?: ReadOptions, time?: number): boolean {
    if (typeof input !== "string" && !(input instanceof Uint8Array)) {
      throw new InvalidArgument({ argument: "key", reason: "is neither a string nor a Uint8Array" })
    }
    const { found } = this
    const { parts, ranges } = this.engine
    const { memtable, manifest, metrics, tables } = parts
    metrics.gets.add(1)
    // No store holds such a key, and the lookup key would grow to its size.
    if (input.length > longestKey) {
      metrics.misses.add(1)
      return false
    }
    const key = this.key.set(input)
    if (key.length === illFormed) throw illFormedString("key")
    const deleted = ranges.areNone ? 0 : (ranges.current()?.newest(key.bytes, 0, key.length, sequence) ?? 0)
    for (const table of memtable.unsafeAll()) {
      if (!table.lookup(key, sequence, found)) continue
      metrics.memtableHits.add(1)
      return this.isThere(deleted, options, time)
    }
    // What a range deletion hides must not enter the entry cache.
    const isNewest = sequence === this.engine.visibleSequence && deleted === 0
    const level = tables.unsafeFind(manifest.unsafeVersion(), key, sequence, isNewest, found)
    if (level < 0) {
      metrics.misses.add(1)
      return false
    }
    metrics.tableHits[level]!.add(1)
    return this.isThere(deleted, options, time)
  }

  /** Whether the version found is a value that was not deleted with a range and has not expired. */
  private isThere(deleted: number, options: ReadOptions | undefined, time: number | undefined): boolean {
    const { found } = this
    const { kind } = found
    this.foundExpiry = undefined
    if (deleted === 0 && (kind === EntryKind.value || kind === EntryKind.valueHandle)) return true
    if (isTombstone(kind) || found.sequence <= deleted) return false
    if (!expires(kind)) return true
    const expiry = readExpiry(found.bytes, found.start)
    if (expiry <= (time ?? this.engine.timeFor(options))) return false
    this.foundExpiry = expiry
    found.kind = kindWithoutExpiry(kind)
    found.start += expirySize
    return true
  }

  /** The value found, in memory of its own. One that lies in another file is read into it. */
  private copyFound(): Uint8Array {
    const { kind, bytes, start, end } = this.found
    return kind === EntryKind.valueHandle ? this.readFound() : copyRange(bytes, start, end)
  }

  private readFound(memory?: ReusedMemory): Uint8Array {
    const { found, key } = this
    const value = this.values.read(found.bytes, found.start, found.end, memory)
    found.kind = EntryKind.value
    found.bytes = value
    found.start = 0
    found.end = value.length
    this.engine.parts.tables.unsafeOfferValue?.(key, found)
    return value
  }

  private readonly optionalBytes = (there: boolean): Option.Option<Uint8Array> =>
    there ? Option.some(this.copyFound()) : Option.none()

  private readonly optionalEntry = (there: boolean): Option.Option<VersionedValue> => {
    if (!there) return Option.none()
    const version = this.found.sequence
    const expiresAt = this.foundExpiry
    return Option.some({ value: this.copyFound(), version, ...(expiresAt !== undefined && { expiresAt }) })
  }

  private readonly optionalString = (there: boolean): Option.Option<string> =>
    there ? Option.some(decodeUtf8(this.viewFound())) : Option.none()

  private viewFound(): Uint8Array {
    const { kind, bytes, start, end } = this.found
    return kind === EntryKind.valueHandle ? this.readFound(this.lendable()) : bytes.subarray(start, end)
  }

  /** Memory for a value that does not outlive the lookup. */
  private lendable(): ReusedMemory {
    return this.isLent ? new ReusedMemory() : this.memory
  }

  /**
   * Passes the value found to `use`. It is a copy also if it is in memory already: `use` must not be
   * able to change what a memtable or a cache holds.
   */
  private lend<A>(use: (value: Uint8Array) => A): A {
    const { isLent } = this
    const memory = this.lendable()
    const value = this.found.kind === EntryKind.valueHandle ? this.readFound(memory) : this.copyInto(memory)
    this.isLent = true
    try {
      return use(value)
    } catch (thrown) {
      throw new Thrown(thrown)
    } finally {
      this.isLent = isLent
    }
  }

  private copyInto(memory: ReusedMemory): Uint8Array {
    const { bytes, start, end } = this.found
    const copy = memory.take(end - start)
    copyInto(bytes, start, end, copy, 0)
    return copy
  }
}

/** What a function of the caller has thrown. */
class Thrown {
  constructor(readonly cause: unknown) {}
}

class PointRead<A> extends Immediate<A, ReadError> {
  constructor(
    private readonly reads: Reads,
    private readonly key: Bytes,
    private readonly options: ReadOptions | undefined,
    private readonly answer: (there: boolean) => A
  ) {
    super()
  }

  protected override get budget(): YieldBudget {
    return this.reads.yieldBudget
  }

  override evaluate(): A | Later<A, ReadError> {
    return this.reads.lookup(this.key, this.options, this.answer)
  }
}

const identity = (there: boolean): boolean => there
