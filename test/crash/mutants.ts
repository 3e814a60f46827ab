import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { Storage, type TableMerger, Wal } from "effect-lsm"
import { Retention } from "../../src/core/cursor/retention.js"
import { logName } from "../../src/core/storage/fileNames.js"
import type { StorageFile } from "../../src/core/storage/storageDriver.js"
import type { TableMeta } from "../../src/core/table/tableFormat.js"
import type { Change } from "../../src/Manifest.js"
import type { Patches } from "../support/openStore.js"
import { checkpointMutants } from "./checkpointMutants.js"
import { expiryMutants } from "./expiryMutants.js"
import {
  cutAtDamage,
  delegate,
  onFiles,
  recordsOf,
  slowSync,
  syncedBeforeFilter,
  withoutLastRecord,
  withoutSync
} from "./patches.js"
import { directory } from "./simulation.js"
import { inThread } from "./thread.js"

/** A protocol fault, injected on purpose. The exploration must show it. */
export interface Mutant {
  readonly name: string
  /** Names of workloads. At least one of them must show the fault. */
  readonly workloads: ReadonlyArray<string>
  readonly patches: () => Patches
  /** How the fault shows. Default: by a crash. */
  readonly shownBy?: "damage"
}

const flushing = ["flush", "deletes", "compaction"]
const writing = ["single puts", "batches"]
const separating = ["separated values", "separated values, reopened"]
const clearing = [
  "range deletions",
  "range deletions over many tables",
  ...[33, 34, 35, 36].map((seed) => `mixture ${seed}, range deletions`)
]
const compacting = ["compaction", "levels", "tombstones"]

export const mutants: ReadonlyArray<Mutant> = [
  ...checkpointMutants,
  ...expiryMutants,
  { name: "tables are not synced", workloads: flushing, patches: () => withoutSync(/\.sst$/) },
  {
    name: "a job syncs only the last table that it writes",
    workloads: ["compaction", "levels"],
    patches: () => {
      let last: string | undefined
      return onFiles(
        (file) => file,
        (file) => {
          if (!file.path.endsWith(".sst")) return file
          last = file.path
          return delegate(file, {
            sync: (done) => (file.path === last ? file.sync(done) : queueMicrotask(() => done(undefined)))
          })
        }
      )
    }
  },
  { name: "value files are not synced", workloads: separating, patches: () => withoutSync(/\.val$/) },
  {
    name: "a table is named before the log has synced the values that it has handles to",
    workloads: ["large values"],
    patches: () => ({
      ...inThread(),
      ...slowSync(/\.log$/),
      wal: (wal) => ({ ...wal, synced: () => Effect.void })
    })
  },
  {
    name: "a segment is removed although tables have handles to its values",
    workloads: ["large values"],
    patches: () => {
      let remove: Storage.StorageService["remove"] = () => Effect.void
      return {
        ...inThread(),
        storage: (storage) => {
          remove = storage.remove
          return storage
        },
        manifest: (manifest) => ({
          ...manifest,
          apply: (change) =>
            Effect.zipRight(
              manifest.apply(change),
              Effect.forEach(change.removedSegments ?? [], (segment) =>
                Effect.ignore(remove(`${directory}/${logName(segment)}`))
              )
            )
        })
      }
    }
  },
  {
    name: "handles lead to one byte before their values in the log",
    workloads: ["large values"],
    patches: () => ({
      wal: (wal) => ({
        ...wal,
        unsafeMarkValue: (start, end, sequence) => wal.unsafeMarkValue!(start - 1, end - 1, sequence)
      })
    })
  },
  {
    name: "a flush leaves the values of the segment after its own in the log",
    workloads: ["large values"],
    patches: () => ({
      wal: (wal) => {
        let before: ReturnType<NonNullable<typeof wal.unsafeLoggedValues>>
        return {
          ...wal,
          unsafeLoggedValues: () => {
            const values = wal.unsafeLoggedValues!()
            const other = before ?? values
            before = values
            return other
          }
        }
      }
    })
  },
  {
    name: "the values that tables have handles to are not in the manifest",
    workloads: separating,
    patches: () => naming(withoutRefs, { valueFiles: [] })
  },
  {
    name: "a compaction drops the references of its tables",
    workloads: separating,
    patches: () => ({
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) =>
          manifest.apply(
            (change.removed ?? []).length > 0
              ? {
                  ...change,
                  added: (change.added ?? []).map(({ level, table }) => ({ level, table: withoutRefs(table) }))
                }
              : change
          )
      })
    })
  },
  {
    name: "value files are removed before the manifest is durable",
    workloads: separating,
    patches: () => ({
      tables: (tables) => {
        removeValues = (fileNumber) => tables.removeValues({ fileNumber, kind: "values", size: 0 })
        return tables
      },
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) => {
          const before = manifest.unsafeVersion()
          const after = before.apply({ added: [], removed: [], ...change })
          const gone = [...before.valueFiles.keys()].filter((fileNumber) => !after.valueFiles.has(fileNumber))
          return Effect.zipRight(
            Effect.forEach(gone, (fileNumber) => Effect.ignore(removeValues(fileNumber)), { discard: true }),
            manifest.apply(change)
          )
        }
      })
    })
  },
  {
    name: "value files with a reference are removed when a compaction has collected from them",
    workloads: [...separating, "mixture 28, separated values"],
    patches: () => ({
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) => {
          // The tables of the edit keep handles only in their files.
          const { valueFiles } = manifest.unsafeVersion()
          const [first] = [...valueFiles.values()].filter(({ bytes, size }) => bytes < (size - 32) / 2)
          if (first === undefined || (change.removed ?? []).length === 0) return manifest.apply(change)
          const withoutFirst = (table: TableMeta): TableMeta => ({
            ...table,
            valueRefs: table.valueRefs?.filter(({ fileNumber }) => fileNumber !== first.fileNumber)
          })
          return manifest.apply({
            ...change,
            added: (change.added ?? []).map(({ level, table }) => ({ level, table: withoutFirst(table) }))
          })
        }
      })
    })
  },
  {
    name: "a table is synced before its filter is written",
    workloads: flushing,
    patches: () =>
      onFiles(
        (file) => file,
        (file) => (file.path.endsWith(".sst") ? syncedBeforeFilter(file) : file)
      )
  },
  {
    name: "damage in the middle of the log is taken for a torn end",
    workloads: writing,
    patches: () =>
      onFiles(
        (file) => (file.path.endsWith(".log") ? cutAtDamage(file) : file),
        (file) => file
      ),
    shownBy: "damage"
  },
  {
    name: "the range deletions of a table are not in the manifest",
    workloads: clearing,
    patches: () => naming(({ ranges: _, ...table }) => table)
  },
  {
    name: "a merge drops range deletions that cover entries of other tables",
    workloads: clearing,
    patches: () => ({
      merger: mergingAs(
        (job): TableMerger.MergeJob => ({
          ...job,
          rangeDeletions: job.rangeDeletions && {
            ...job.rangeDeletions,
            done: job.runs.flat().flatMap(({ ranges = [] }) => ranges.map(({ sequence }) => sequence))
          }
        })
      )
    })
  },
  {
    name: "segments are kept when they have left the log, not before",
    workloads: ["kept history"],
    patches: () => ({
      wal: (wal) => ({
        ...wal,
        retain: () => Effect.void,
        remove: (segments) => Effect.zipRight(wal.retain!(segments), wal.remove(segments))
      })
    })
  },
  {
    name: "tables say that range deletions cover none of their entries",
    workloads: clearing,
    patches: () => ({ tables: (tables) => ({ ...tables, write: (job) => tables.write({ ...job, cleared: 2 ** 40 }) }) })
  },
  { name: "the log is not synced", workloads: writing, patches: () => withoutSync(/\.log$/) },
  {
    name: "a log sync in the calling thread is skipped",
    workloads: writing,
    patches: () =>
      onFiles((file) =>
        file.path.endsWith(".log") ? delegate(file, { isSyncShort: (limit) => limit > 0, syncNow: () => 0.3 }) : file
      )
  },
  { name: "the manifest is not synced", workloads: flushing, patches: () => withoutSync(/MANIFEST/) },
  { name: "the new content of CURRENT is not synced", workloads: flushing, patches: () => withoutSync(/CURRENT/) },
  {
    name: "directories are not synced",
    workloads: flushing,
    patches: () => ({ storage: (storage) => ({ ...storage, syncDirectory: () => Effect.void }) })
  },
  {
    name: "the name of the store's directory is not synced",
    workloads: ["single puts", "a directory of the application's making"],
    patches: () => withoutNames(dirname(directory))
  },
  {
    name: "the name of the store's parent directory is not synced",
    workloads: ["single puts", "a directory of the application's making"],
    patches: () => withoutNames("/")
  },
  {
    name: "a sync skips the last write",
    workloads: writing,
    patches: () =>
      onFiles((file) => {
        if (!file.path.endsWith(".log")) return file
        let held: Uint8Array | undefined
        const release = () => {
          if (held !== undefined) file.append(held, 0, held.length)
          held = undefined
        }
        return delegate(file, {
          append: (source, offset, length) => {
            release()
            held = source.slice(offset, offset + length)
          },
          close: () => {
            release()
            file.close()
          }
        })
      })
  },
  {
    name: "CURRENT is replaced before its manifest is synced",
    workloads: flushing,
    patches: () => {
      const late: Array<StorageFile> = []
      const base = onFiles((file) =>
        /MANIFEST/.test(file.path)
          ? delegate(file, {
              sync: (done) => {
                late.push(file)
                queueMicrotask(() => done(undefined))
              }
            })
          : file
      )
      return {
        storage: (storage) => ({
          ...base.storage!(storage),
          rename: (from, to) =>
            Effect.tap(storage.rename(from, to), () =>
              Effect.async<void>((resume) => {
                const file = late.pop()
                if (file === undefined) return resume(Effect.void)
                file.sync(() => resume(Effect.void))
              })
            )
        })
      }
    }
  },
  {
    name: "the log is removed before the manifest is durable",
    workloads: flushing,
    patches: () => logRemovedFirst()
  },
  {
    name: "inputs of a compaction are removed before the manifest is durable",
    workloads: ["compaction", "levels"],
    patches: () => ({
      tables: (tables) => {
        removeTable = (fileNumber) => tables.remove(fileNumber)
        return tables
      },
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) =>
          Effect.zipRight(
            Effect.forEach(
              (change.added ?? []).length > 0 ? (change.removed ?? []) : [],
              ({ fileNumber }) => Effect.ignore(removeTable(fileNumber)),
              { discard: true }
            ),
            manifest.apply(change)
          )
      })
    })
  },
  {
    name: "writes are acknowledged before they are synced",
    workloads: writing,
    patches: () => ({
      wal: (wal) => ({ ...wal, unsafeCommit: (_durability, done) => wal.unsafeCommit(Wal.CommitMode.buffered, done) })
    })
  },
  {
    name: "tombstones are dropped above older data",
    workloads: ["deletes", "tombstones", "levels"],
    patches: () => ({
      tables: (tables) => ({
        ...tables,
        write: (job) => tables.write({ ...job, retention: new Retention([], () => true) })
      })
    })
  },
  {
    name: "a thread does not sync the tables that it writes",
    workloads: compacting,
    patches: () => inThread(withoutSync(/\.sst$/).storage)
  },
  {
    name: "a thread does not sync the names of the tables that it writes",
    workloads: compacting,
    patches: () => inThread((storage) => ({ ...storage, syncDirectory: () => Effect.void }))
  },
  {
    name: "the log is removed before the table that a thread flushed is named",
    workloads: flushing,
    patches: () => ({ ...logRemovedFirst(), ...inThread() })
  },
  {
    name: "a thread flushes a log segment before its last record is written, and its entries are not counted",
    workloads: ["batches", "flush", "rotation", "rotation under load"],
    patches: () => ({
      merger: (options) =>
        Effect.gen(function* () {
          const { driver } = yield* Storage.Storage
          const cut = onFiles((file) => (file.path.endsWith(".log") ? withoutLastRecord(file) : file))
          const merger = yield* inThread(cut.storage).merger!(options)
          return {
            ...merger,
            flush: (job) => {
              const file = driver.openRead(`${options.directory}/${logName(job.segment)}`)
              const { last } = recordsOf(file)
              file.close()
              const sequences = { first: job.sequences.first, last: last ?? job.sequences.last }
              return merger.flush!({ ...job, sequences })
            }
          }
        })
    })
  },
  {
    name: "a thread that flushes does not get the snapshots",
    workloads: ["snapshots"],
    patches: () => flushedInThread((flush) => (job) => flush({ ...job, snapshots: [] }))
  },
  {
    name: "the table that a thread flushed is forgotten",
    workloads: flushing,
    patches: () =>
      flushedInThread(
        (flush) => (job) =>
          Effect.map(flush(job), (result) => (result === undefined ? undefined : { ...result, tables: [] }))
      )
  },
  {
    name: "a flush that its thread could not do is taken for done",
    workloads: flushing,
    patches: () =>
      flushedInThread(
        (flush) => (job) =>
          Effect.map(
            flush({ ...job, sequences: { ...job.sequences, last: job.sequences.last + 1 } }),
            (result) => result ?? { tables: [], valueFiles: [], entriesRead: 0, entriesDropped: 0 }
          )
      )
  },
  {
    name: "a thread does not get the tables below",
    workloads: [...compacting, "mixture 2", "mixture 3"],
    patches: () => ({
      merger: (options) =>
        Effect.map(inThread().merger!(options), (merger) => ({
          ...merger,
          merge: (job) => merger.merge({ ...job, below: [] })
        }))
    })
  },
  {
    name: "a thread forgets the last table that it wrote",
    workloads: compacting,
    patches: () => ({
      merger: (options) =>
        Effect.map(inThread().merger!(options), (merger) => ({
          ...merger,
          merge: (job) => Effect.map(merger.merge(job), (result) => ({ ...result, tables: result.tables.slice(0, -1) }))
        }))
    })
  },
  {
    name: "sequence numbers are reused after recovery",
    workloads: ["flush and reopen", "overwrites", "deletes"],
    patches: () => ({
      manifest: (manifest) => ({ ...manifest, unsafeState: () => ({ ...manifest.unsafeState(), flushedSequence: 0 }) })
    })
  },
  {
    name: "recovery forgets the last record",
    workloads: writing,
    patches: () => ({
      wal: (wal) => ({
        ...wal,
        replay: (storeId, log, apply) => {
          let held: (() => void) | undefined
          return wal.replay(storeId, log, (bytes, start, end, segment) => {
            held?.()
            const copy = bytes.slice(start, end)
            held = () => apply(copy, 0, copy.length, segment)
          })
        }
      })
    })
  },
  {
    name: "orphans are not removed",
    workloads: flushing,
    patches: () => ({ manifest: (manifest) => ({ ...manifest, removeOrphans: Effect.succeed([]) }) })
  },
  {
    name: "a flush removes the segment still in use",
    workloads: flushing,
    patches: () => ({
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) =>
          manifest.apply(
            change.flushedSequence === undefined
              ? change
              : { ...change, removedSegments: manifest.unsafeState().segments }
          )
      })
    })
  },
  {
    name: "a frozen memtable is dropped",
    workloads: ["rotation", "flush"],
    patches: () => ({
      memtable: (memtable) => ({
        ...memtable,
        unsafeFreeze: (segment) => {
          memtable.unsafeFreeze(segment)
          const frozen = memtable.unsafeFrozen()
          if (frozen.length > 1) memtable.unsafeRelease(frozen[0]!)
        }
      })
    })
  },
  {
    name: "a compaction forgets the first table that it wrote",
    workloads: ["compaction", "levels"],
    patches: () => ({
      manifest: (manifest) => ({
        ...manifest,
        apply: (change) =>
          manifest.apply(
            (change.removed ?? []).length > 0 ? { ...change, added: (change.added ?? []).slice(1) } : change
          )
      })
    })
  },
  {
    name: "a failed sync is retried",
    workloads: writing,
    patches: () =>
      onFiles((file) => {
        if (!file.path.endsWith(".log")) return file
        // A sync of data fails and the system marks the dirty pages clean. The retry succeeds
        // without writing anything.
        let syncs = 0
        return delegate(file, {
          sync: (done) => (++syncs <= 1 || syncs > 3 ? file.sync(done) : queueMicrotask(() => done(undefined)))
        })
      })
  }
]

/** Removes segments of the log before the edit that drops them is durable. */
const logRemovedFirst = (): Patches => ({
  manifest: (manifest) => ({
    ...manifest,
    apply: (change) =>
      Effect.zipRight(
        Effect.forEach(change.removedSegments ?? [], (segment) => Effect.ignore(removeLog(segment)), {
          discard: true
        }),
        manifest.apply(change)
      )
  }),
  wal: (wal) => {
    removeLog = (segment) => wal.remove([segment])
    return wal
  }
})

type FlushIt = NonNullable<TableMerger.TableMergerService["flush"]>

/** Changes what a thread is asked to flush, or what it returns. */
const flushedInThread = (change: (flush: FlushIt) => FlushIt): Patches => ({
  merger: (options) =>
    Effect.map(inThread().merger!(options), (merger) => ({ ...merger, flush: change(merger.flush!) }))
})

/** Reports syncs of one directory as done without doing them. */
const withoutNames = (path: string): Patches => ({
  storage: (storage) => ({
    ...storage,
    syncDirectory: (synced) => (synced === path ? Effect.void : storage.syncDirectory(synced))
  })
})

let removeLog = (_segment: number): Effect.Effect<void, unknown> => Effect.void
const withoutRefs = ({ valueRefs: _, ...table }: TableMeta): TableMeta => table

let removeValues = (_fileNumber: number): Effect.Effect<void, unknown> => Effect.void
let removeTable = (_fileNumber: number): Effect.Effect<void, unknown> => Effect.void

/** Changes the merges that the compactor asks for. */
const mergingAs =
  (change: (job: TableMerger.MergeJob) => TableMerger.MergeJob): NonNullable<Patches["merger"]> =>
  (options) =>
    Effect.map(inThread().merger!(options), (merger) => ({ ...merger, merge: (job) => merger.merge(change(job)) }))

/** Changes the tables that an edit of the manifest names, and the edit. */
const naming = (change: (table: TableMeta) => TableMeta, more: Change = {}): Patches => ({
  manifest: (manifest) => ({
    ...manifest,
    apply: (edit) =>
      manifest.apply({
        ...edit,
        ...more,
        added: (edit.added ?? []).map(({ level, table }) => ({ level, table: change(table) }))
      })
  })
})
