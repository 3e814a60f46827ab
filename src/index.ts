/**
 * An ordered, durable, embedded key-value store for Effect.
 *
 * @since 3.0.0
 */
export * as Backup from "./Backup.js"
export * as ChangeFeed from "./ChangeFeed.js"
export * as Checkpoint from "./Checkpoint.js"
export * as Compactor from "./Compactor.js"
export * as Keyspace from "./Keyspace.js"
export * as KeyspaceError from "./KeyspaceError.js"
export * as LsmError from "./LsmError.js"
export * as LsmOptions from "./LsmOptions.js"
export * as LsmStore from "./LsmStore.js"
export * as Maintenance from "./Maintenance.js"
export * as Manifest from "./Manifest.js"
export * as Memtable from "./Memtable.js"
export * as Metrics from "./Metrics.js"
export * as OrderedStore from "./OrderedStore.js"
export * as OrderedStoreError from "./OrderedStoreError.js"
export * as SSTableStore from "./SSTableStore.js"
export * as Stats from "./Stats.js"
export * as Storage from "./Storage.js"
export * as Store from "./Store.js"
export * as StoreEvent from "./StoreEvent.js"
export * as TableMerger from "./TableMerger.js"
export * as Transaction from "./Transaction.js"
export * as Wal from "./Wal.js"
export * as WriteBatch from "./WriteBatch.js"
