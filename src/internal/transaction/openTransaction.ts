import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { copyRange, decodeUtf8, isShortAscii } from "../../core/bytes/bytes.js"
import { keyText } from "../../core/commit/keyText.js"
import type { TextRange } from "../../core/commit/recentWrites.js"
import { EntryKind } from "../../core/cursor/entryKind.js"
import { expirySize, readExpiry } from "../../core/cursor/expiry.js"
import { applyOperations } from "../../core/log/batchFormat.js"
import { InvalidArgument, LimitExceeded, type ReadError } from "../../LsmError.js"
import type { Bytes, CollectOptions, Entry, Expiry, Range, ScanOptions, Snapshot, Store } from "../../Store.js"
import { WriteBatch, writeTimes } from "../../WriteBatch.js"
import type { ArraySource } from "../effect/arraySource.js"
import { arrayStream } from "../effect/arrayStream.js"
import { evaluateNow, immediate, Later } from "../effect/immediate.js"
import type { Access } from "../engine/access.js"
import type { OpenSnapshot } from "../engine/conditions.js"
import { toBytes, toDeletedRange, toKeyRange, toReadError } from "../engine/engine.js"
import { checkScanOptions } from "../engine/scans.js"
import { expiryAt, resolveExpiry } from "../expiry/expiry.js"
import { Walk } from "./walk.js"
import { type OwnWrite, WriteSet } from "./writeSet.js"

/** Entries of a chunk, and of one step of a count. */
const chunkSize = 1024
/** A chunk ends at this many bytes too. */
const chunkBytes = 1024 * 1024

type WalkOptions = Omit<CollectOptions & ScanOptions, "snapshot">

interface OpenWalk {
  readonly walk: Walk
  readonly close: () => void
}

/** What a transaction has read and will write. */
export class OpenTransaction {
  readonly reads = new Set<string>()
  readonly ranges: Array<TextRange> = []
  readonly writes = new WriteSet()
  private readonly asOf: { readonly snapshot: Snapshot }
  private hasEnded = false

  constructor(
    private readonly store: Store,
    private readonly access: Access,
    readonly snapshot: Snapshot,
    /** That records are kept for it. */
    readonly recorded: OpenSnapshot
  ) {
    this.asOf = { snapshot }
  }

  /** That of the store, until the transaction has ended. */
  get identity(): object {
    return this.hasEnded ? this : this.access.engine
  }

  /** Whether a call for the store of these parts joins it. */
  joins({ engine }: Access): boolean {
    return !this.hasEnded && this.access.engine === engine
  }

  get isOpen(): boolean {
    return !this.hasEnded
  }

  end(): void {
    this.hasEnded = true
  }

  /** Frees memory. Fibers that were forked in the transaction may hold it for long. */
  forget(): void {
    this.end()
    this.reads.clear()
    this.ranges.length = 0
    this.writes.clear()
  }

  readonly get = (key: Bytes): Effect.Effect<Option.Option<Uint8Array>, ReadError> =>
    this.attempt(() => {
      const own = this.ownWrite(key)
      if (own !== undefined) return Effect.succeed(valueOf(own))
      const outcome = evaluateNow(this.store.get(key, this.asOf))
      return outcome instanceof Later ? outcome.effect : Effect.succeed(outcome)
    })

  readonly getString = (key: Bytes): Effect.Effect<Option.Option<string>, ReadError> =>
    Effect.map(this.get(key), Option.map(decodeUtf8))

  readonly getMany = (keys: Iterable<Bytes>): Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError> =>
    this.attempt(() => {
      // Anything that is no list of keys is refused by the store.
      const all = typeof keys === "string" || typeof keys?.[Symbol.iterator] !== "function" ? keys : [...keys]
      const own = Array.isArray(all) ? all.map((key: Bytes) => this.ownWrite(key)) : []
      return Effect.map(this.store.getMany(all, this.asOf), (values) =>
        values.map((value, i) => (own[i] === undefined ? value : valueOf(own[i])))
      )
    })

  readonly has = (key: Bytes): Effect.Effect<boolean, ReadError> =>
    this.attempt(() => {
      const own = this.ownWrite(key)
      if (own !== undefined) return Effect.succeed(own.value !== undefined)
      return this.store.has(key, this.asOf)
    })

  readonly scan = (options?: Omit<ScanOptions, "snapshot">): Stream.Stream<Entry, ReadError> => {
    const source = ({ walk }: OpenWalk): ArraySource<Entry, ReadError> => {
      let left = options?.limit ?? Number.POSITIVE_INFINITY
      const next = this.attempt(() =>
        Effect.map(walk.take(Math.min(left, options?.chunkSize ?? chunkSize), chunkBytes), (entries) => {
          left -= entries.length
          return entries
        })
      )
      return { next, hasMore: () => left > 0 && !walk.isDone }
    }
    return arrayStream(
      this.attempt(() => Effect.succeed(this.open(options, false))),
      source,
      ({ close }) => close()
    )
  }

  readonly collect = (options?: Omit<CollectOptions, "snapshot">): Effect.Effect<Array<Entry>, ReadError> =>
    this.walking(options, false, (walk) => walk.take(options?.limit ?? Number.POSITIVE_INFINITY))

  readonly count = (range?: Range): Effect.Effect<number, ReadError> =>
    this.walking(range, true, (walk) => {
      let count = 0
      const next: Effect.Effect<number, ReadError> = Effect.suspend(() =>
        Effect.flatMap(walk.take(chunkSize), (entries) => {
          count += entries.length
          return walk.isDone ? Effect.succeed(count) : next
        })
      )
      return next
    })

  readonly put = (key: Bytes, value: Bytes, expiry?: Expiry): Effect.Effect<void, InvalidArgument | LimitExceeded> =>
    this.writing(() => {
      const resolved = expiry === undefined ? undefined : resolveExpiry(expiry)
      if (resolved instanceof InvalidArgument) throw resolved
      const expiresAt = resolved && expiryAt(resolved, this.access.engine.time())
      this.writes.set(this.textOf(key), this.ownValue(value), expiresAt)
    })

  readonly delete = (key: Bytes): Effect.Effect<void, InvalidArgument | LimitExceeded> =>
    this.writing(() => this.writes.set(this.textOf(key), undefined))

  readonly write = (batch: WriteBatch): Effect.Effect<void, InvalidArgument | LimitExceeded> =>
    this.writing(() => {
      if (!(batch instanceof WriteBatch)) throw invalid("batch", "is not a WriteBatch")
      const { length, checks, fault, ttls } = batch.encoded
      if (fault !== undefined) throw invalid("batch", fault)
      if (checks.length > 0) throw invalid("batch", "has checks; a transaction needs none")
      const bytes = new Uint8Array(length)
      batch.copyTo(bytes, 0)
      writeTimes(bytes, 0, ttls, this.access.engine.time())
      applyOperations(bytes, 0, length, 1, batch.size, {
        insert: (_, kind, source, keyStart, keyEnd, valueStart, valueEnd) => {
          const key = source.subarray(keyStart, keyEnd)
          const value = source.subarray(valueStart, valueEnd)
          if (kind === EntryKind.rangeDeletion) this.deleteKeys(key, value.length === 0 ? undefined : value)
          else if (kind === EntryKind.expiringValue) {
            this.writes.set(this.textOf(key), this.ownValue(value.subarray(expirySize)), readExpiry(value, 0))
          } else this.writes.set(this.textOf(key), kind === EntryKind.deletion ? undefined : this.ownValue(value))
        }
      })
    })

  readonly deleteRange = (range: Range): Effect.Effect<void, InvalidArgument | LimitExceeded> =>
    this.writing(() => {
      const { start, end } = toDeletedRange(range)
      this.deleteKeys(start ?? noKey, end)
    })

  private deleteKeys(start: Uint8Array, end: Uint8Array | undefined): void {
    this.writes.deleteRange({ start: this.textOf(start), end: end && this.textOf(end) })
  }

  /** A key as a text, if it is one that can be written. */
  private textOf(key: Bytes): string {
    const { maxKeyBytes } = this.access.engine.parts.settings
    const text = keyTextOf(key)
    if (text.length <= maxKeyBytes) return text
    throw new LimitExceeded({ limit: "keyBytes", actual: text.length, most: maxKeyBytes })
  }

  /** The bytes of a value that can be written, in memory of their own. */
  private ownValue(value: Bytes): Uint8Array {
    const { maxValueBytes } = this.access.engine.parts.settings
    const bytes = toBytes(value, "value")
    if (bytes.length > maxValueBytes) {
      throw new LimitExceeded({ limit: "valueBytes", actual: bytes.length, most: maxValueBytes })
    }
    return bytes === value ? copyRange(bytes, 0, bytes.length) : bytes
  }

  /** The transaction's own write of a key. If there is none, the key counts as read. */
  private ownWrite(key: Bytes): OwnWrite | undefined {
    const text = keyTextOf(key)
    const own = this.writes.find(text)
    if (own === undefined) this.reads.add(text)
    return own
  }

  private open(options: WalkOptions | undefined, keysOnly: boolean): OpenWalk {
    checkScanOptions(options)
    const { start, end } = toKeyRange(options)
    const range: TextRange = {
      start: start === undefined ? "" : keyText(start, 0, start.length),
      end: end === undefined ? undefined : keyText(end, 0, end.length)
    }
    const reverse = options?.reverse ?? false
    const own = this.writes
      .inOrder()
      .filter(({ key }) => key >= range.start && (range.end === undefined || key < range.end))
    const { cursor, close } = this.access.scans.open({
      start,
      end,
      snapshot: this.snapshot,
      keysOnly
    })
    const walk = new Walk(
      cursor,
      { writes: reverse ? own.toReversed() : own, deleted: this.writes.deletedRanges },
      range,
      reverse,
      this.access.engine.parts.storage.yieldToEventLoop
    )
    this.ranges.push(walk.consumed)
    return { walk, close }
  }

  private walking<A>(
    options: WalkOptions | undefined,
    keysOnly: boolean,
    use: (walk: Walk) => Effect.Effect<A, ReadError>
  ): Effect.Effect<A, ReadError> {
    return Effect.acquireUseRelease(
      this.attempt(() => Effect.succeed(this.open(options, keysOnly))),
      ({ walk }) => use(walk),
      ({ close }) => Effect.sync(close)
    )
  }

  private attempt<A>(evaluate: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    return immediate(this.access.engine.yieldBudget, () => {
      if (this.hasEnded) return Effect.fail(invalid("transaction", ended))
      try {
        return evaluate()
      } catch (failure) {
        return Effect.fail(toReadError(failure))
      }
    })
  }

  private writing(write: () => void): Effect.Effect<void, InvalidArgument | LimitExceeded> {
    return immediate(this.access.engine.yieldBudget, () => {
      if (this.hasEnded) return Effect.fail(invalid("transaction", ended))
      try {
        write()
        return Effect.void
      } catch (failure) {
        if (failure instanceof InvalidArgument || failure instanceof LimitExceeded) return Effect.fail(failure)
        throw failure
      }
    })
  }
}

/** @throws InvalidArgument */
const keyTextOf = (key: Bytes): string => {
  // The bytes of an ASCII string are its characters.
  if (typeof key === "string" && isShortAscii(key)) return key
  const bytes = toBytes(key, "key")
  return keyText(bytes, 0, bytes.length)
}

const noKey = new Uint8Array(0)
const ended = "has ended"

const invalid = (argument: string, reason: string): InvalidArgument => new InvalidArgument({ argument, reason })

const valueOf = ({ value }: OwnWrite): Option.Option<Uint8Array> =>
  value === undefined ? Option.none() : Option.some(value.slice())
