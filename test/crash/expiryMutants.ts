import * as Effect from "effect/Effect"
import { type SSTableStore, TableMerger } from "effect-lsm"
import { EntryKind } from "../../src/core/cursor/entryKind.js"
import { expires, expirySize, kindWithoutExpiry } from "../../src/core/cursor/expiry.js"
import type { InternalCursor } from "../../src/core/cursor/internalCursor.js"
import type { RetentionPolicy } from "../../src/core/cursor/retention.js"
import {
  applyBatch,
  batchHeaderSize,
  batchSequence,
  writeBatchHeader,
  writeOperation
} from "../../src/core/log/batchFormat.js"
import type { Patches } from "../support/openStore.js"
import type { Mutant } from "./mutants.js"

const workloads = ["values that expire", "values that expire over older ones", "separated values that expire"]

/** A cursor whose entries do not expire. */
const withoutTimes = (cursor: InternalCursor): InternalCursor =>
  new Proxy(cursor, {
    get: (target, name) => {
      if (name === "kind" && expires(target.kind)) return kindWithoutExpiry(target.kind)
      if (name === "valueStart" && expires(target.kind)) return target.valueStart + expirySize
      if (name === "entry") return withoutTimes(target.entry)
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === "function" ? member.bind(target) : member
    }
  })

/** The same batch without the times. */
const withoutTimesIn = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  const made = new Uint8Array(end - start)
  let count = 0
  let at = batchHeaderSize
  applyBatch(bytes, start, end, {
    insert: (_, kind, source, keyStart, keyEnd, valueStart, valueEnd) => {
      const expiring = kind === EntryKind.expiringValue
      const key = source.slice(keyStart, keyEnd)
      const value = source.slice(expiring ? valueStart + expirySize : valueStart, valueEnd)
      const left = kind === EntryKind.deletion ? undefined : value
      at = writeOperation(made, at, key, key.length, left, expiring ? EntryKind.value : kind)
      count++
    }
  })
  writeBatchHeader(made, 0, batchSequence(bytes, start), count)
  return made.subarray(0, at)
}

/** Decides as another policy, with what has expired dropped as if nothing lay below it. */
class Forgetful implements RetentionPolicy {
  constructor(private readonly policy: RetentionPolicy) {}
  get hasExpired(): boolean {
    return this.policy.hasExpired === true
  }
  keeps(entry: InternalCursor): boolean {
    return this.policy.keeps(entry) && !this.hasExpired
  }
}

const writing = (change: (job: SSTableStore.WriteJob) => SSTableStore.WriteJob): Patches => ({
  tables: (tables) => ({ ...tables, write: (job) => tables.write(change(job)) })
})

/** Faults that make a value live longer or shorter than it should. */
export const expiryMutants: ReadonlyArray<Mutant> = [
  {
    name: "a flush drops the times at which values expire",
    workloads,
    patches: () => writing((job) => (job.level === 0 ? { ...job, cursor: withoutTimes(job.cursor) } : job))
  },
  {
    name: "a compaction drops the times at which values expire",
    workloads,
    patches: () => writing((job) => (job.level === 0 ? job : { ...job, cursor: withoutTimes(job.cursor) }))
  },
  {
    name: "what has expired is dropped above an older value",
    workloads,
    patches: () => writing((job) => ({ ...job, retention: new Forgetful(job.retention) }))
  },
  {
    name: "a compaction takes values for expired before their time",
    workloads,
    patches: () => ({
      merger: () =>
        Effect.map(TableMerger.make, (merger) => ({
          ...merger,
          merge: (job) => merger.merge({ ...job, expiredUntil: (job.expiredUntil ?? 0) + 100 })
        }))
    })
  },
  {
    name: "recovery forgets the times at which values expire",
    workloads,
    patches: () => ({
      wal: (wal) => ({
        ...wal,
        replay: (storeId, log, apply) =>
          wal.replay(storeId, log, (bytes, start, end, segment) => {
            const changed = withoutTimesIn(bytes, start, end)
            apply(changed, 0, changed.length, segment)
          })
      })
    })
  },
  {
    name: "the time is not recorded with the tables",
    workloads: ["values that expire, and the clock goes back"],
    patches: () => ({
      manifest: (manifest) => ({ ...manifest, apply: ({ time: _, ...change }) => manifest.apply(change) })
    })
  }
]
