import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ReadError } from "../LsmError.js"
import type { Store } from "../LsmStore.js"
import type { DroppedTail } from "../Stats.js"

/** What a store that is sound holds. */
export interface Verified {
  readonly entries: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly tables: number
  readonly tableBytes: number
  readonly logSegments: number
  readonly logRecords: number
  /** Torn ends of the log that opening dropped. */
  readonly dropped: ReadonlyArray<DroppedTail>
  /** Files that no manifest named, which opening removed. */
  readonly orphans: ReadonlyArray<string>
}

/**
 * Reads every entry of an open store, and with it every block that an entry is in; opening it has checked the
 * manifest and the log. Damage fails with `Corruption`.
 */
export const verifyStore = (store: Store): Effect.Effect<Verified, ReadError> =>
  Effect.gen(function* () {
    let entries = 0
    let keyBytes = 0
    let valueBytes = 0
    const read = Stream.runForEachChunk(store.scan(), (chunk) =>
      Effect.sync(() => {
        for (const { key, value } of chunk) {
          entries++
          keyBytes += key.length
          valueBytes += value.length
        }
      })
    )
    yield* read
    const { tables, tableBytes, recovery } = yield* store.stats
    return {
      entries,
      keyBytes,
      valueBytes,
      tables,
      tableBytes,
      logSegments: recovery.segments,
      logRecords: recovery.records,
      dropped: recovery.dropped,
      orphans: recovery.orphans
    }
  })
