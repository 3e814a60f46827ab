import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { EncodeFailed, IndexesChanged, KeyspaceDropped, type KeyspaceError } from "../../KeyspaceError.js"
import { InvalidArgument } from "../../LsmError.js"
import type {
  Entry,
  FeedError,
  OrderedStoreService,
  PutOptions,
  ReadError,
  ReadOptions,
  Snapshot,
  Transaction,
  WriteError,
  WriteOptions
} from "../../OrderedStore.js"
import type { WriteBatch } from "../../WriteBatch.js"
import type { Expiry } from "../expiry/expiry.js"
import { attempt, attemptSync } from "./attempt.js"
import { continuationKey, continuationOf } from "./continuation.js"
import type { Slot } from "./directory.js"
import { type Buildable, buildIndexes } from "./indexBuild.js"
import { checkIndexes } from "./indexCheck.js"
import type { OpenIndex } from "./indexEntries.js"
import { type RowWrite, type WritesWithin, writeIndexed } from "./indexedWrites.js"
import type { Index, IndexedRows, IndexFinding, IndexProgress } from "./indexModels.js"
import { type RowReader, RowsByIndex } from "./indexRows.js"
import { type MigrationProgress, migrateRows } from "./migrateRows.js"
import type {
  CollectRowsOptions,
  OpenKeyspace,
  Page,
  PageOptions,
  Row,
  RowRange,
  Rows,
  ScanRowsOptions
} from "./models.js"
import { changesOf, type RowChange, type RowChangesOptions } from "./rowChanges.js"
import type { RowCodec } from "./rowCodec.js"
import { restAfter, storeRange } from "./rowRange.js"
import { untilWritten } from "./untilWritten.js"

/** Rows that are decoded before the fiber yields to the event loop. */
const rowsPerTurn = 1024

/** What rows need of a store. A transaction has it too, and ignores what only a store has options for. */
type RowStore = Pick<OrderedStoreService, "put" | "delete" | "get" | "getMany" | "has" | "scan" | "collect" | "count">

/** The rows of a keyspace in one store or transaction. */
export class StoredRows<K, V> implements OpenKeyspace<K, V> {
  private readonly source: RowStore

  constructor(
    readonly name: string,
    private readonly store: OrderedStoreService,
    /** The transaction that the rows are read and written in, if there is one. */
    private readonly transaction: Transaction | undefined,
    private readonly slot: Slot,
    private readonly codec: RowCodec<K, V>,
    private readonly indexes: ReadonlyArray<OpenIndex<K, V>> = []
  ) {
    this.source = transaction ?? store
  }

  readonly put = (key: K, value: V, options?: PutOptions): Effect.Effect<void, WriteError | KeyspaceError> =>
    attempt((): Effect.Effect<void, WriteError | KeyspaceError> => {
      const bytes = this.key(key)
      const valueBytes = this.codec.valueBytes(value)
      if (this.indexes.length === 0) return this.source.put(bytes, valueBytes, options)
      return options?.ttl === undefined && options?.expiresAt === undefined
        ? this.writeIndexed({ key, bytes, value: { decoded: value, bytes: valueBytes } }, options)
        : Effect.fail(indexedExpiry)
    })

  readonly delete = (key: K, options?: WriteOptions): Effect.Effect<void, WriteError | KeyspaceError> =>
    attempt(() => {
      const bytes = this.key(key)
      return this.indexes.length === 0
        ? this.source.delete(bytes, options)
        : this.writeIndexed({ key, bytes, value: undefined }, options)
    })

  private writeIndexed(
    write: Omit<RowWrite<K, V>, "row">,
    options: WriteOptions | undefined
  ): Effect.Effect<void, WriteError | KeyspaceError> {
    const { prefix } = this.slot
    const whole = { ...write, row: write.bytes.slice(prefix.length) }
    const decode = (bytes: Uint8Array): V => this.codec.value(write.bytes, bytes, prefix.length)
    const writeIn = (tx: WritesWithin) => writeIndexed(this.name, tx, this.indexes, whole, decode)
    return this.transaction === undefined
      ? untilWritten(this.store.transact(writeIn, options))
      : writeIn(this.transaction)
  }

  readonly by = <I>(index: Index<K, V, I>): Effect.Effect<IndexedRows<K, V, I>, InvalidArgument> =>
    Effect.suspend(() => {
      const open = this.indexes.find((other) => other.index === index)
      if (open === undefined) {
        return Effect.fail(new InvalidArgument({ argument: "index", reason: "is not one of this keyspace's" }))
      }
      return Effect.succeed(new RowsByIndex<K, V, I>(this.reader, open))
    })

  readonly buildIndexes = (options?: BatchOptions): Stream.Stream<IndexProgress, WriteError | KeyspaceError> =>
    inBatches(options, (batchSize) => buildIndexes(this.buildable, batchSize))

  readonly migrate = (options?: BatchOptions): Stream.Stream<MigrationProgress, WriteError | KeyspaceError> =>
    inBatches(options, (batchSize) => {
      this.check()
      return migrateRows({ store: this.store, slot: this.slot, codec: this.codec }, batchSize)
    })

  readonly checkIndexes = (options?: {
    readonly limit?: number | undefined
  }): Effect.Effect<ReadonlyArray<IndexFinding>, ReadError | KeyspaceError> =>
    Effect.suspend(() => checkIndexes(this.buildable, options?.limit ?? 100))

  private get buildable(): Buildable<K, V> {
    const { decode, indexes, name, slot } = this
    return { name, store: this.store, slot, indexes, decode }
  }

  private get reader(): RowReader<K, V> {
    const { source, store, transaction } = this
    return {
      name: this.name,
      check: () => this.check(),
      collect: (range, snapshot) => source.collect({ ...range, snapshot }),
      count: (range, snapshot) => source.count({ ...range, snapshot }),
      rowsOf: (entries, snapshot) => this.rowsOf(entries, snapshot),
      snapshot: transaction === undefined ? store.snapshot : Effect.succeed(undefined)
    }
  }

  /** The rows whose keys are the values of entries of an index. */
  private rowsOf(
    entries: ReadonlyArray<Entry>,
    snapshot: Snapshot | undefined
  ): Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError> {
    const { codec, slot } = this
    const { prefix } = slot
    const keys = entries.map(({ value }) => {
      const key = new Uint8Array(prefix.length + value.length)
      key.set(prefix)
      key.set(value, prefix.length)
      return key
    })
    return Effect.flatMap(this.source.getMany(keys, { snapshot }), (values) =>
      inTurns(values, (value, i) => {
        if (Option.isSome(value)) return codec.row({ key: keys[i]!, value: value.value }, prefix.length)
        throw codec.missingRow(keys[i]!, prefix.length)
      })
    )
  }

  readonly putIn = (batch: WriteBatch, key: K, value: V, expiry?: Expiry): Effect.Effect<void, KeyspaceError> =>
    attempt(() => {
      this.refuseBatch()
      batch.put(this.key(key), this.codec.valueBytes(value), expiry)
      return Effect.void
    })

  readonly deleteIn = (batch: WriteBatch, key: K): Effect.Effect<void, KeyspaceError> =>
    attempt(() => {
      this.refuseBatch()
      batch.delete(this.key(key))
      return Effect.void
    })

  readonly get = (key: K, options?: ReadOptions): Effect.Effect<Option.Option<V>, ReadError | KeyspaceError> =>
    attempt(() => {
      const bytes = this.key(key)
      return Effect.flatMap(this.source.get(bytes, options), (value) => attemptSync(() => this.valueOf(bytes, value)))
    })

  readonly getMany = (
    keys: Iterable<K>,
    options?: ReadOptions
  ): Effect.Effect<Array<Option.Option<V>>, ReadError | KeyspaceError> =>
    attempt(() => {
      const all = Array.from(keys, (key) => this.key(key))
      return Effect.flatMap(this.source.getMany(all, options), (values) =>
        inTurns(values, (value, i) => this.valueOf(all[i]!, value))
      )
    })

  readonly has = (key: K, options?: ReadOptions): Effect.Effect<boolean, ReadError | KeyspaceError> =>
    attempt(() => this.source.has(this.key(key), options))

  readonly scan = (options?: ScanRowsOptions<K>): Stream.Stream<Row<K, V>, ReadError | KeyspaceError> =>
    Stream.unwrap(
      attemptSync(() =>
        Stream.mapChunksEffect(this.source.scan({ ...options, ...this.range(options), prefix: undefined }), (entries) =>
          Effect.map(this.decodeSome(entries), Chunk.unsafeFromArray)
        )
      )
    )

  readonly collect = (options?: CollectRowsOptions<K>): Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError> =>
    attempt(() =>
      Effect.flatMap(this.source.collect({ ...options, ...this.range(options), prefix: undefined }), this.decode)
    )

  readonly count = (options?: RowRange<K> & ReadOptions): Effect.Effect<number, ReadError | KeyspaceError> =>
    attempt(() => this.source.count({ ...this.range(options), snapshot: options?.snapshot }))

  readonly page = (options: PageOptions<K>): Effect.Effect<Page<K, V>, ReadError | KeyspaceError> =>
    attempt(() => {
      const { after, limit, reverse = false, snapshot } = options
      if (!Number.isInteger(limit) || limit < 1) {
        return Effect.fail(new InvalidArgument({ argument: "limit", reason: "must be a whole number, at least 1" }))
      }
      const range = this.range(options)
      const last = after === undefined ? undefined : continuationKey(after, this.slot.prefix, reverse)
      if (last instanceof InvalidArgument) return Effect.fail(last)
      const rest = last === undefined ? range : restAfter(range, last, reverse)
      // The entry beyond the page only says whether there is one.
      const collected = this.source.collect({ ...rest, reverse, snapshot, limit: limit + 1 })
      return Effect.flatMap(collected, (entries) => {
        const hasMore = entries.length > limit
        const next = hasMore ? continuationOf(entries[limit - 1]!.key, reverse) : undefined
        return Effect.map(this.decode(hasMore ? entries.slice(0, limit) : entries), (rows) => ({ rows, next }))
      })
    })

  readonly within = (transaction: Transaction): Effect.Effect<Rows<K, V>, InvalidArgument> =>
    Effect.suspend(() =>
      transaction.identity === this.store.identity
        ? Effect.succeed(new StoredRows(this.name, this.store, transaction, this.slot, this.codec, this.indexes))
        : Effect.fail(new InvalidArgument({ argument: "transaction", reason: "has ended, or is of another store" }))
    )

  readonly changes = (options?: RowChangesOptions): Stream.Stream<RowChange<K, V>, FeedError | KeyspaceError> =>
    Stream.unwrap(
      attemptSync(() => {
        this.check()
        return changesOf(this.store, this.codec, this.slot.prefix, options)
      })
    )

  readonly keyOf = (key: K): Effect.Effect<Uint8Array, KeyspaceError> => attemptSync(() => this.key(key))

  /** @throws EncodeFailed, KeyspaceDropped */
  private key(key: K): Uint8Array {
    this.check()
    return this.codec.keyBytes(key, this.slot.prefix)
  }

  /** @throws EncodeFailed, KeyspaceDropped */
  private range(range: RowRange<K> | undefined) {
    this.check()
    return storeRange(this.codec, this.slot.prefix, range)
  }

  /** A batch does not read the row before, which says what the indexes lose. */
  private refuseBatch(): void {
    this.check()
    if (this.indexes.length === 0) return
    const reason = "a keyspace with indexes is written by put and delete, or in a transaction, not in a batch"
    throw new EncodeFailed({ keyspace: this.name, part: "key", reason })
  }

  private check(): void {
    if (this.slot.isDropped) throw new KeyspaceDropped({ keyspace: this.name })
    const { indexes } = this.slot
    const isSame = (indexes?.size ?? 0) === this.indexes.length
    if (!isSame || this.indexes.some(({ index, state }) => indexes!.get(index.name) !== state)) {
      throw new IndexesChanged({ keyspace: this.name })
    }
  }

  private valueOf(key: Uint8Array, value: Option.Option<Uint8Array>): Option.Option<V> {
    return Option.map(value, (bytes) => this.codec.value(key, bytes, this.slot.prefix.length))
  }

  /** The rows of a chunk of a Stream. No chunk is empty, and some types say so. */
  private decodeSome(entries: Iterable<Entry>) {
    type Some = readonly [Row<K, V>, ...Array<Row<K, V>>]
    return this.decode(Array.from(entries)) as Effect.Effect<unknown, KeyspaceError> as Effect.Effect<
      Some,
      KeyspaceError
    >
  }

  private readonly decode = (entries: ReadonlyArray<Entry>): Effect.Effect<Array<Row<K, V>>, KeyspaceError> =>
    inTurns(entries, (entry) => this.codec.row(entry, this.slot.prefix.length))
}

/** The entries of indexes would stay when the row is gone. */
const indexedExpiry = new InvalidArgument({ argument: "ttl", reason: "is for keyspaces without indexes" })

interface BatchOptions {
  readonly batchSize?: number | undefined
}

const inBatches = <A, E>(
  { batchSize = 256 }: BatchOptions = {},
  run: (batchSize: number) => Stream.Stream<A, E>
): Stream.Stream<A, E | InvalidArgument | KeyspaceError> =>
  Stream.unwrap(
    attempt((): Effect.Effect<Stream.Stream<A, E>, InvalidArgument> => {
      if (Number.isInteger(batchSize) && batchSize > 0) return Effect.succeed(run(batchSize))
      const reason = "must be a whole number, at least 1"
      return Effect.fail(new InvalidArgument({ argument: "batchSize", reason }))
    })
  )

/** Maps values, and yields to the event loop when there are many. */
const inTurns = <A, B>(
  values: ReadonlyArray<A>,
  f: (value: A, index: number) => B
): Effect.Effect<Array<B>, KeyspaceError> => {
  const mapped: Array<B> = []
  const turn: Effect.Effect<Array<B>, KeyspaceError> = attempt(() => {
    const end = Math.min(values.length, mapped.length + rowsPerTurn)
    for (let i = mapped.length; i < end; i++) mapped.push(f(values[i]!, i))
    return end === values.length ? Effect.succeed(mapped) : Effect.zipRight(Effect.yieldNow(), turn)
  })
  return turn
}
