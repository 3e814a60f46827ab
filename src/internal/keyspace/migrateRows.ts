import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { Conflict } from "../../LsmError.js"
import type { Entry, OrderedStoreService, WriteError } from "../../OrderedStore.js"
import * as WriteBatch from "../../WriteBatch.js"
import { arrayStream } from "../effect/arrayStream.js"
import { attemptSync } from "./attempt.js"
import type { Slot } from "./directory.js"
import { versionKey } from "./reserved.js"
import type { RowCodec } from "./rowCodec.js"
import { restAfter } from "./rowRange.js"
import { versionBytes, wholeOf } from "./rowVersions.js"

/**
 * How far the rewriting of rows of earlier versions is.
 *
 * @since 3.1.0
 * @category models
 */
export interface MigrationProgress {
  /** Rows read since the rewriting went on. */
  readonly rows: number
  /** Rows among them that were written anew. */
  readonly migrated: number
  readonly isDone: boolean
}

interface Migrating<K, V> {
  readonly store: OrderedStoreService
  readonly slot: Slot
  readonly codec: RowCodec<K, V>
}

type Failure = WriteError | KeyspaceError

/**
 * Writes rows of earlier versions anew, some at a time. Each batch has the place that it has come to, so
 * it goes on from there after a crash. It is written only if none of its rows has changed meanwhile.
 */
export const migrateRows = <K, V>(
  keyspace: Migrating<K, V>,
  batchSize: number
): Stream.Stream<MigrationProgress, Failure> => {
  const { slot } = keyspace
  return arrayStream(
    Effect.succeed({ rows: 0, migrated: 0 }),
    (sum) => {
      const next = Effect.suspend(() => {
        if (slot.migrated === "all") return Effect.succeed([])
        return Effect.map(migrateSome(keyspace, batchSize), ({ migrated, rows }): Array<MigrationProgress> => {
          sum.rows += rows
          sum.migrated += migrated
          return [{ ...sum, isDone: slot.migrated === "all" }]
        })
      })
      return { next, hasMore: () => slot.migrated !== "all" }
    },
    () => undefined
  )
}

const migrateSome = <K, V>(
  keyspace: Migrating<K, V>,
  batchSize: number
): Effect.Effect<{ readonly rows: number; readonly migrated: number }, Failure> =>
  Effect.suspend(() => {
    const { codec, slot, store } = keyspace
    const whole = wholeOf(slot)
    const range = slot.migrated instanceof Uint8Array ? restAfter(whole, slot.migrated, false) : whole
    return Effect.flatMap(store.collect({ ...range, limit: batchSize }), (entries) => {
      const old = entries.filter(({ value }) => codec.versionOf(value) < codec.version)
      const position = entries.length < batchSize ? ("all" as const) : entries.at(-1)!.key
      const batch = WriteBatch.make().put(versionKey(slot.id), versionBytes(codec.version, position))
      const add = (entry: Entry) => addAnew(keyspace, batch, entry)
      const write = Effect.zipRight(Effect.forEach(old, add, { discard: true }), store.write(batch))
      return Effect.matchEffect(write, {
        onFailure: (error: Failure | Conflict) =>
          error._tag === "Conflict" ? migrateSome(keyspace, batchSize) : Effect.fail(error),
        onSuccess: () => {
          slot.migrated = position
          return Effect.succeed({ rows: entries.length, migrated: old.length })
        }
      })
    })
  })

/** Adds a row in this version to a batch, with a check that it is still the one that was read. */
const addAnew = <K, V>(
  { codec, slot, store }: Migrating<K, V>,
  batch: WriteBatch.WriteBatch,
  { key }: Entry
): Effect.Effect<void, Failure> =>
  Effect.flatMap(store.getEntry(key), (found) =>
    attemptSync(() => {
      if (Option.isNone(found)) {
        batch.check(key, "absent")
        return
      }
      const { expiresAt, value, version } = found.value
      const anew = codec.valueBytes(codec.value(key, value, slot.prefix.length))
      batch.check(key, version).put(key, anew, { expiresAt })
    })
  )
