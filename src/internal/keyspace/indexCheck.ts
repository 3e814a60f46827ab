import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { equals } from "../../core/bytes/bytes.js"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { Entry, ReadError, SnapshotView } from "../../OrderedStore.js"
import { attempt } from "./attempt.js"
import type { Buildable } from "./indexBuild.js"
import { entryOf, type OpenIndex } from "./indexEntries.js"
import type { IndexFinding } from "./indexModels.js"
import type { Row } from "./models.js"
import { wholeOf } from "./rowVersions.js"

type Failure = ReadError | KeyspaceError

/**
 * Compares rows and indexes as of one moment, in both directions, and returns the first `limit`
 * differences. Indexes that are not ready are left out.
 */
export const checkIndexes = <K, V>(
  keyspace: Buildable<K, V>,
  limit: number
): Effect.Effect<ReadonlyArray<IndexFinding>, Failure> => {
  const findings: Array<IndexFinding> = []
  const found = (finding: IndexFinding): Effect.Effect<void> =>
    Effect.sync(() => {
      if (findings.length < limit) findings.push(finding)
    })
  const indexes = keyspace.indexes.filter(({ state }) => state.isReady)
  const check = Effect.flatMap(keyspace.store.snapshot, (view) =>
    Effect.gen(function* () {
      yield* eachOf(view, wholeOf(keyspace.slot), (entry) =>
        Effect.flatMap(keyspace.decode([entry]), ([row]) =>
          Effect.forEach(indexes, (open) => checkRow(keyspace, view, open, entry, row!, found), { discard: true })
        )
      )
      for (const open of indexes) {
        yield* eachOf(view, wholeOf(open.state.slot), (entry) => checkEntry(keyspace, view, open, entry, found))
      }
      return findings
    })
  )
  return Effect.scoped(check)
}

const eachOf = (
  view: SnapshotView,
  range: { readonly start: Uint8Array; readonly end: Uint8Array },
  check: (entry: Entry) => Effect.Effect<void, Failure>
): Effect.Effect<void, Failure> => Stream.runForEach(view.scan(range), check)

type Found = (finding: IndexFinding) => Effect.Effect<void>

/** Whether the index has the entry of a row. */
const checkRow = <K, V>(
  { slot }: Buildable<K, V>,
  view: SnapshotView,
  open: OpenIndex<K, V>,
  { key }: Entry,
  row: Row<K, V>,
  found: Found
): Effect.Effect<void, Failure> =>
  attempt(() => {
    const entry = entryOf(open, key.slice(slot.prefix.length), row.key, row.value)
    if (entry === undefined) return Effect.void
    return Effect.flatMap(view.get(entry.key), (holder) =>
      Option.isSome(holder) && equals(holder.value, entry.row)
        ? Effect.void
        : found({ index: open.index.name, kind: "missing", key })
    )
  })

/** Whether an entry of the index is that of a row. */
const checkEntry = <K, V>(
  { decode, slot }: Buildable<K, V>,
  view: SnapshotView,
  open: OpenIndex<K, V>,
  { key, value }: Entry,
  found: Found
): Effect.Effect<void, Failure> => {
  const rowKey = new Uint8Array(slot.prefix.length + value.length)
  rowKey.set(slot.prefix)
  rowKey.set(value, slot.prefix.length)
  const extra = found({ index: open.index.name, kind: "extra", key: rowKey })
  return Effect.flatMap(view.get(rowKey), (stored) => {
    if (Option.isNone(stored)) return extra
    return Effect.flatMap(decode([{ key: rowKey, value: stored.value }]), ([row]) =>
      attempt(() => {
        const due = entryOf(open, value, row!.key, row!.value)
        return due !== undefined && equals(due.key, key) ? Effect.void : extra
      })
    )
  })
}
