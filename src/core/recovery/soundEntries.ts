import { compare } from "../bytes/bytes.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { mergeCursors } from "../cursor/mergeCursor.js"
import { applyBatch } from "../log/batchFormat.js"
import { Memtable } from "../memtable/memtable.js"
import type { RangeDeletion } from "../ranges/rangeDeletion.js"
import type { Report } from "../storage/damage.js"
import { logName, tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import type { TableMeta } from "../table/tableFormat.js"
import { InspectedTable } from "./inspectedTable.js"
import { SoundCursor, soundBlocks } from "./soundBlocks.js"
import { logExtents, soundRecords } from "./soundRecords.js"
import { SoundValues, WholeCursor } from "./soundValues.js"
import type { Survey } from "./survey.js"

/** All sound entries of a store, from its tables and its log. */
export interface SoundEntries {
  /** Every sound entry with its value, in merge order. Damage is reported when the cursor reaches it. */
  readonly cursor: InternalCursor
  /** No sound write has a higher sequence number. */
  readonly largestSequence: number
  /**
   * The range deletions that the manifest has of the tables, also of those that are missing, or that
   * their properties have. Damage to the entry of one does not lose it.
   */
  readonly ranges: ReadonlyArray<RangeDeletion>
  /** Number of sound log records. */
  readonly records: number
  /** Closes the files that the cursor has opened. */
  readonly close: () => void
}

/** Log records loaded between two yields. */
const slice = 256

/** Inspects every table, and loads the sound records of the log into memory. */
export function* soundEntries(
  driver: StorageDriver,
  directory: string,
  survey: Survey,
  report: Report
): Generator<void, SoundEntries> {
  const { storeId, manifest } = survey
  let largestSequence = manifest?.state.flushedSequence ?? 0
  const found: Array<FoundTable> = []
  for (const { fileNumber, meta } of survey.tables) {
    const path = `${directory}/${tableName(fileNumber)}`
    const table = yield* InspectedTable.open(driver, path, fileNumber, storeId, report)
    const bounds = meta ?? table.properties
    largestSequence = Math.max(largestSequence, bounds?.largestSequence ?? 0)
    found.push({ path, fileNumber, bounds, table: table.index === undefined ? table : undefined })
    yield
  }
  const extents = logExtents(driver, directory, survey.segments, storeId, manifest?.state.closed)
  const memtable = new Memtable(0, Number.POSITIVE_INFINITY)
  let records = 0
  for (const [segment, extent] of extents) {
    const path = `${directory}/${logName(segment)}`
    for (const { bytes, frame } of soundRecords(driver, path, segment, storeId, extent, report)) {
      applyBatch(bytes, frame.payloadStart, frame.payloadEnd, memtable)
      if (++records % slice === 0) yield
    }
    yield
  }
  const blocksOf = function* (run: ReadonlyArray<FoundTable>): Generator<Uint8Array, void> {
    for (const { path, fileNumber, bounds, table } of run) {
      const opened = table ?? drain(InspectedTable.open(driver, path, fileNumber, storeId, report))
      yield* soundBlocks(opened, bounds, report)
    }
  }
  const cursors: ReadonlyArray<InternalCursor> = disjointRuns(found).map((run) => new SoundCursor(() => blocksOf(run)))
  const values = new SoundValues(driver, directory, storeId, report)
  return {
    cursor: new WholeCursor(mergeCursors([...cursors, ...memtable.versionCursors()]), values),
    close: () => values.close(),
    ranges: [...(manifest?.state.version.ranges ?? []), ...found.flatMap(({ bounds }) => bounds?.ranges ?? [])],
    largestSequence: Math.max(largestSequence, memtable.largestSequence),
    records
  }
}

interface FoundTable {
  readonly path: string
  readonly fileNumber: number
  readonly bounds: TableMeta | undefined
  /**
   * Kept only if its blocks had to be located by a search. Other tables are inspected again when
   * the cursor reaches them.
   */
  readonly table: InspectedTable | undefined
}

/**
 * Groups tables into runs of disjoint tables, so that a merge keeps few of them open. A table with
 * unknown bounds is a run of its own.
 */
const disjointRuns = (tables: ReadonlyArray<FoundTable>): ReadonlyArray<ReadonlyArray<FoundTable>> => {
  const runs: Array<Array<FoundTable>> = tables.filter(({ bounds }) => bounds === undefined).map((table) => [table])
  const alone = runs.length
  const bounded = tables
    .flatMap((table) => (table.bounds === undefined ? [] : [{ table, ...table.bounds }]))
    .sort((a, b) => compare(a.smallestKey, b.smallestKey))
  for (const { table, smallestKey } of bounded) {
    const run = runs.find(
      (tablesOfRun, i) => i >= alone && compare(tablesOfRun.at(-1)!.bounds!.largestKey, smallestKey) < 0
    )
    if (run !== undefined) run.push(table)
    else runs.push([table])
  }
  return runs
}

const drain = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
