import type { KeyBounds, Version } from "../manifest/version.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import type { TableMeta } from "../table/tableFormat.js"
import { referencedBytes } from "../values/valueFile.js"
import { type Compaction, keyRange } from "./compactionPicker.js"

/** The tables that a compaction reads, and the key bounds of the tables below them. */
export interface MergeInputs {
  /** The tables to merge. The tables of one run are sorted and disjoint. */
  readonly runs: ReadonlyArray<ReadonlyArray<TableMeta>>
  /** By level, the tables below the output level that could hold one of its keys. */
  readonly below: ReadonlyArray<ReadonlyArray<KeyBounds>>
}

export const mergeInputs = (compaction: Compaction, version: Version): MergeInputs => {
  const { level, outputLevel, inputs, between, overlaps } = compaction
  const lower = [...between.map(({ tables }) => tables), overlaps].filter((tables) => tables.length > 0)
  const upper = level === 0 ? inputs.map((table) => [table]) : [inputs]
  const runs = [...upper, ...lower]
  const { smallest, largest } = keyRange(runs.flat())
  return {
    runs,
    below: version.levels.slice(outputLevel + 1).map((_, i) => {
      const tables = version.overlapping(outputLevel + 1 + i, smallest, largest)
      return tables.map(({ smallestKey, largestKey }) => ({ smallestKey, largestKey }))
    })
  }
}

/**
 * The most bytes that an entry takes in addition to its key and value: its columns, its share of
 * the groups, and a block that holds nothing else.
 */
const entryOverhead = 80

/**
 * Returns the most files that a merge may write: tables, and value files that are finished at
 * `valueFileSize`. Any value may have to be written anew, to a table or to a value file.
 */
export const filesAtMost = (runs: MergeInputs["runs"], targetSize: number, valueFileSize: number): number => {
  let entries = 0
  let bytes = 0
  for (const table of runs.flat()) {
    entries += table.entries
    bytes += table.rawBytes + referencedBytes(table.valueRefs)
  }
  return tablesAtMost(runs, targetSize) + valueFilesAtMost(entries, bytes, valueFileSize)
}

/** Returns the most value files that entries of so many bytes may take. */
export const valueFilesAtMost = (entries: number, bytes: number, valueFileSize: number): number => {
  const least = valueFileSize - fileHeaderSize
  return least > 0 ? Math.min(entries, Math.floor(bytes / least) + 1) : entries
}

/**
 * Returns the most tables that a merge may write. Every table but the last has at least
 * `targetSize` bytes, and every table has at least one entry.
 */
export const tablesAtMost = (runs: MergeInputs["runs"], targetSize: number): number => {
  let entries = 0
  let bytes = 0
  for (const table of runs.flat()) {
    entries += table.entries
    bytes += table.rawBytes + referencedBytes(table.valueRefs) + table.entries * entryOverhead
  }
  const least = targetSize - fileHeaderSize
  return least > 0 ? Math.min(entries, Math.floor(bytes / least) + 1) : entries
}
