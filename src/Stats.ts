/**
 * What a store tells of itself, as a value.
 *
 * @since 0.1.0
 */
import type { Damage } from "./core/storage/damage.js"

/**
 * One level of the tree.
 *
 * @since 0.1.0
 * @category models
 */
export interface LevelStats {
  readonly level: number
  readonly tables: number
  /** Bytes of its files. */
  readonly bytes: number
  readonly entries: number
  readonly deletions: number
  /** How near the level is to its limit: from `compactionThreshold` on it is compacted. The deepest level has none: 0. */
  readonly score: number
}

/**
 * A torn end of the log that recovery dropped.
 *
 * @since 0.1.0
 * @category models
 */
export interface DroppedTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/**
 * The state of a store, and what it has done since it was opened. Sizes are in bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  readonly directory: string
  /** The sequence number of the newest write that readers see. */
  readonly sequence: number
  readonly levels: ReadonlyArray<LevelStats>
  readonly tables: number
  readonly tableBytes: number
  readonly memory: {
    readonly activeMemtable: number
    readonly frozenMemtables: number
    readonly frozenCount: number
    /** Cached blocks and entries. */
    readonly blockCache: number
    /** Indexes and filters of open tables. */
    readonly openTables: number
    /** Log records that wait to be written or synced. */
    readonly logQueue: number
  }
  readonly log: {
    readonly segments: number
    /** Bytes of the segment being written. */
    readonly segmentBytes: number
    readonly syncs: number
    /** Records that those syncs made durable. */
    readonly syncedRecords: number
  }
  readonly operations: {
    readonly puts: number
    readonly gets: number
    readonly deletes: number
    readonly batches: number
    readonly scans: number
  }
  readonly reads: {
    readonly memtableHits: number
    readonly tableHits: number
    readonly misses: number
    /** Hits by level. */
    readonly byLevel: ReadonlyArray<number>
  }
  readonly filter: {
    readonly checks: number
    /** Checks answered "not there". */
    readonly negatives: number
    /** Checks answered "maybe" where the key was not there. */
    readonly falsePositives: number
    /** `falsePositives` over all checks for keys that were not there; 0 without any. */
    readonly falsePositiveRate: number
  }
  readonly cache: {
    readonly hits: number
    readonly misses: number
    readonly evictions: number
    readonly hitRate: number
    /** Lookups answered by an entry that is held apart, so that no block was asked for. */
    readonly entryHits: number
  }
  readonly written: {
    /** Keys and values handed in by the application. */
    readonly user: number
    readonly log: number
    readonly flush: number
    readonly compaction: number
  }
  readonly amplification: {
    /** Bytes written to files (log, flushes, compactions) over bytes handed in; 0 before any write. */
    readonly write: number
    /** Places a lookup may have to search: tables at level 0 and levels with tables below it. */
    readonly read: number
    /**
     * Bytes of all tables over those that would be left if everything were compacted; 0 without tables. What would be left is estimated: the bytes
     * of each table that meets no table below it, without versions that only snapshots see. It is 1 after a compaction of everything, and
     * too high while new keys have yet to be merged between those of older tables.
     */
    readonly space: number
  }
  readonly flushes: number
  readonly compactions: number
  readonly stalls: {
    readonly slowdowns: number
    readonly stops: number
  }
  readonly snapshots: number
  readonly recovery: {
    readonly segments: number
    readonly records: number
    /** Torn ends of the log, such as a crash leaves. */
    readonly dropped: ReadonlyArray<DroppedTail>
    readonly orphans: ReadonlyArray<string>
    /** What `recovery: "pointInTime"` or `"salvage"` had to give up. */
    readonly lost: ReadonlyArray<Damage>
    /** The directory where the damaged files were kept before anything was changed. */
    readonly aside: string | undefined
  }
  /** Why the store takes no writes, if it does not. */
  readonly poisoned: string | undefined
  /** The error of the last background work that failed, while it has not succeeded since. */
  readonly backgroundError: string | undefined
}
