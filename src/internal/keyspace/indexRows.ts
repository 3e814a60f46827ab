import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { IndexNotReady, type KeyspaceError } from "../../KeyspaceError.js"
import type { Entry, ReadError, ReadOptions, Snapshot } from "../../OrderedStore.js"
import { arrayStream } from "../effect/arrayStream.js"
import { attempt } from "./attempt.js"
import type { OpenIndex } from "./indexEntries.js"
import type { IndexedRows } from "./indexModels.js"
import type { CollectRowsOptions, Row, RowRange, ScanRowsOptions } from "./models.js"
import { restAfter, type StoreRange, storeRange } from "./rowRange.js"

/** What reading by an index needs of the rows of a keyspace. */
export interface RowReader<K, V> {
  readonly name: string
  /** Checks that the keyspace is still what it was when it was opened. */
  readonly check: () => void
  readonly collect: (
    range: StoreRange & { readonly limit: number; readonly reverse: boolean },
    snapshot: Snapshot | undefined
  ) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range: StoreRange, snapshot: Snapshot | undefined) => Effect.Effect<number, ReadError>
  /** The rows that entries of an index lead to. */
  readonly rowsOf: (
    entries: ReadonlyArray<Entry>,
    snapshot: Snapshot | undefined
  ) => Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError>
  /** A snapshot for reads that take several steps. Undefined in a transaction. */
  readonly snapshot: Effect.Effect<Snapshot | undefined, ReadError, Scope.Scope>
}

const defaultChunkSize = 256

/** Reads the rows of a keyspace by an index. */
export class RowsByIndex<K, V, I> implements IndexedRows<K, V, I> {
  constructor(
    private readonly rows: RowReader<K, V>,
    private readonly open: OpenIndex<K, V>
  ) {}

  readonly get = (key: I, options?: ReadOptions): Effect.Effect<Option.Option<Row<K, V>>, ReadError | KeyspaceError> =>
    Effect.map(this.collect({ start: key, limit: 1, ...options, end: undefined }, key), (found) =>
      found.length === 0 ? Option.none() : Option.some(found[0]!)
    )

  readonly collect = (
    options?: CollectRowsOptions<I>,
    only?: I
  ): Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError> =>
    this.reading(options?.snapshot, (snapshot) => {
      const { limit = Number.POSITIVE_INFINITY, reverse = false } = options ?? {}
      const range = only === undefined ? this.range(options) : this.only(only)
      return Effect.flatMap(this.rows.collect({ ...range, limit, reverse }, snapshot), (entries) =>
        this.rows.rowsOf(entries, snapshot)
      )
    })

  readonly count = (options?: RowRange<I> & ReadOptions): Effect.Effect<number, ReadError | KeyspaceError> =>
    attempt(() => this.rows.count(this.range(options), options?.snapshot))

  readonly scan = (options?: ScanRowsOptions<I>): Stream.Stream<Row<K, V>, ReadError | KeyspaceError> =>
    Stream.unwrapScoped(Effect.map(this.snapshotFor(options?.snapshot), (snapshot) => this.scanAt(snapshot, options)))

  private scanAt(
    snapshot: Snapshot | undefined,
    options: ScanRowsOptions<I> | undefined
  ): Stream.Stream<Row<K, V>, ReadError | KeyspaceError> {
    return arrayStream(
      attempt(() => Effect.succeed(this.range(options))),
      (range) => {
        const { chunkSize = defaultChunkSize, reverse = false } = options ?? {}
        let left = options?.limit ?? Number.POSITIVE_INFINITY
        let rest = range
        let isEnd = left === 0
        const next: Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError> = Effect.suspend(() => {
          if (isEnd) return Effect.succeed([])
          const limit = Math.min(chunkSize, left)
          return Effect.flatMap(this.rows.collect({ ...rest, limit, reverse }, snapshot), (entries) => {
            left -= entries.length
            isEnd = entries.length < limit || left === 0
            const last = entries.at(-1)
            if (last !== undefined) rest = restAfter(rest, last.key, reverse)
            return this.rows.rowsOf(entries, snapshot)
          })
        })
        return { next, hasMore: () => !isEnd }
      },
      () => undefined
    )
  }

  /** Reads entries and rows as of one moment. */
  private reading<A, E>(
    given: Snapshot | undefined,
    read: (snapshot: Snapshot | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | ReadError | KeyspaceError> {
    return Effect.scoped(Effect.flatMap(this.snapshotFor(given), (snapshot) => attempt(() => read(snapshot))))
  }

  private snapshotFor(given: Snapshot | undefined): Effect.Effect<Snapshot | undefined, ReadError, Scope.Scope> {
    return given === undefined ? this.rows.snapshot : Effect.succeed(given)
  }

  /** @throws EncodeFailed, KeyspaceDropped, IndexesChanged, IndexNotReady */
  private range(range: RowRange<I> | undefined): StoreRange {
    this.check()
    return storeRange(this.open.codec, this.open.state.slot.prefix, range as RowRange<unknown>)
  }

  /** The entries of one index key. */
  private only(key: I): StoreRange {
    this.check()
    const { codec, index, state } = this.open
    const start = codec.keyBytes(key, state.slot.prefix)
    const end = new Uint8Array(start.length + 1)
    end.set(start)
    // A key of a row, which follows in an index that is not unique, begins with a lower byte.
    end[start.length] = index.isUnique ? 0 : 0xff
    return { start, end }
  }

  private check(): void {
    this.rows.check()
    if (!this.open.state.isReady) throw new IndexNotReady({ keyspace: this.rows.name, index: this.open.index.name })
  }
}
