import type { Row } from "../lib/row.js"
import { batch } from "./batch.js"
import { batchSync } from "./batchSync.js"
import { concurrentReads } from "./concurrentReads.js"
import { get, getSync, unsafeGet } from "./get.js"
import { put } from "./put.js"
import { scan } from "./scan.js"
import { countedTables, randomTables } from "./tables.js"
import { writersRow } from "./writers.js"

/** By the names that the command line takes. */
export const rows: Readonly<Record<string, Row>> = {
  put,
  batch,
  get,
  "get-sync": getSync,
  "unsafe-get": unsafeGet,
  scan,
  "batch-sync": batchSync,
  writers: writersRow,
  "tables-random": randomTables,
  "tables-counted": countedTables,
  "concurrent-reads": concurrentReads
}
