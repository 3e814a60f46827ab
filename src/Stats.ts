/**
 * The statistics of a store.
 *
 * @since 3.0.0
 */
import type { Damage } from "./core/storage/damage.js"

/**
 * One level of the tree.
 *
 * @since 3.0.0
 * @category models
 */
export interface LevelStats {
  /** The number of the level, from 0. */
  readonly level: number
  readonly tables: number
  /** Bytes of its table files. */
  readonly bytes: number
  /** Entries of its tables, including old versions and tombstones. */
  readonly entries: number
  /** Tombstones of its tables. */
  readonly deletions: number
  /**
   * The size of the level divided by its limit. The level is compacted when the score reaches
   * `compactionThreshold`. The deepest level has no limit: its score is 0.
   */
  readonly score: number
}

/**
 * A torn end of the log that recovery dropped: `bytes` bytes from `offset` on.
 *
 * @since 3.0.0
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
 * @since 3.0.0
 * @category models
 */
export interface Stats {
  readonly directory: string
  /** Sequence number of the newest write that readers see. */
  readonly sequence: number
  readonly levels: ReadonlyArray<LevelStats>
  readonly tables: number
  readonly tableBytes: number
  /** The files that hold values apart from tables; see the option `valueThreshold`. */
  readonly valueFiles: {
    readonly count: number
    /** Bytes of these files. */
    readonly bytes: number
    /** Bytes of the values in them that tables have handles to, including old versions. */
    readonly liveBytes: number
  }
  readonly memory: {
    readonly activeMemtable: number
    readonly frozenMemtables: number
    /** Frozen memtables that wait for their flush. */
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
    /** Bytes of the newest segment, which is being written. */
    readonly segmentBytes: number
    readonly syncs: number
    /** Log records that those syncs made durable. */
    readonly syncedRecords: number
  }
  readonly operations: {
    /** Puts, including those in batches. */
    readonly puts: number
    /** Keys looked up by `get`, `getMany` and `has`. */
    readonly gets: number
    /** Deletes, including those in batches. */
    readonly deletes: number
    readonly batches: number
    /** Scans and cursors opened. */
    readonly scans: number
  }
  readonly reads: {
    /** Lookups that found an entry in a memtable. */
    readonly memtableHits: number
    /** Lookups that found an entry in a table. */
    readonly tableHits: number
    /** Lookups that found no entry. */
    readonly misses: number
    /** `tableHits` by level. */
    readonly byLevel: ReadonlyArray<number>
  }
  readonly filter: {
    /** Bloom filter checks. */
    readonly checks: number
    /** Checks that ruled a table out. */
    readonly negatives: number
    /** Checks that did not rule out a table without the key. */
    readonly falsePositives: number
    /** `falsePositives` divided by all checks of tables without the key. 0 if there were none. */
    readonly falsePositiveRate: number
  }
  readonly cache: {
    /** Blocks found in the cache. */
    readonly hits: number
    /** Blocks not found in the cache. */
    readonly misses: number
    /** Blocks removed from the cache to make room. */
    readonly evictions: number
    /** `hits` divided by `hits` and `misses`. 0 if there were none. */
    readonly hitRate: number
    /** Lookups served from the entry cache, without a block. */
    readonly entryHits: number
  }
  readonly written: {
    /** Bytes of keys and values written by the application. */
    readonly user: number
    /** Bytes written to the log. */
    readonly log: number
    /** Bytes written by flushes. */
    readonly flush: number
    /** Bytes written by compactions. */
    readonly compaction: number
  }
  readonly amplification: {
    /**
     * Bytes written by log, flushes and compactions, divided by `written.user`. 0 before any write.
     */
    readonly write: number
    /**
     * Places that a lookup may have to search: tables at level 0, and deeper levels with tables.
     */
    readonly read: number
    /**
     * Bytes of all tables and value files divided by the bytes that a compaction of everything would
     * leave. 0 without tables.
     *
     * The bytes left are estimated: the bytes of each table that overlaps no table of a deeper
     * level, without versions that only snapshots see. The ratio is 1 after a compaction of
     * everything. It is too high while tables with new keys overlap older tables.
     */
    readonly space: number
  }
  /** Memtables flushed. */
  readonly flushes: number
  /** Compactions finished, including trivial moves. */
  readonly compactions: number
  readonly stalls: {
    /** Writes that were slowed down. */
    readonly slowdowns: number
    /** Writes that had to wait for a flush or a compaction. */
    readonly stops: number
  }
  /** Open snapshots. */
  readonly snapshots: number
  /**
   * For how long the oldest open snapshot has been held, in milliseconds; 0 if there is none.
   *
   * @since 3.1.0
   */
  readonly oldestSnapshotMillis: number
  /** The findings of opening the store. */
  readonly recovery: {
    /** Log segments replayed. */
    readonly segments: number
    /** Log records replayed. */
    readonly records: number
    /** Torn ends of the log, as a crash leaves them, which were dropped. */
    readonly dropped: ReadonlyArray<DroppedTail>
    /** Files that the manifest did not name, which were removed. */
    readonly orphans: ReadonlyArray<string>
    /** Data that `recovery: "pointInTime"` or `"salvage"` could not keep. */
    readonly lost: ReadonlyArray<Damage>
    /** The directory that keeps the original files, if recovery changed damaged ones. */
    readonly aside: string | undefined
  }
  /**
   * Why the store refuses writes after a failed write or sync of the log. Undefined if it accepts
   * them.
   */
  readonly poisoned: string | undefined
  /** The error of the last failed flush or compaction. Undefined once that work has succeeded. */
  readonly backgroundError: string | undefined
}
