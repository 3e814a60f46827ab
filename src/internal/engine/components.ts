import type { Compactor } from "../../Compactor.js"
import type { Manifest } from "../../Manifest.js"
import type { Memtable } from "../../Memtable.js"
import type { Metrics } from "../../Metrics.js"
import type { SSTableStore } from "../../SSTableStore.js"
import type { Storage } from "../../Storage.js"
import type { TableMerger } from "../../TableMerger.js"
import type { Wal } from "../../Wal.js"

/** The services that a store is made of. */
export type Components = Storage | Metrics | Manifest | Wal | Memtable | SSTableStore | TableMerger | Compactor
