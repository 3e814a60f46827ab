import type { KeyBounds, Version } from "../manifest/version.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import type { TableMeta } from "../table/tableFormat.js"
import { type Compaction, keyRange } from "./compactionPicker.js"

/** What a compaction reads, and what it must know of the tables that it does not read. */
export interface MergeInputs {
  /** The tables to be merged. Those of one run are sorted and disjoint. */
  readonly runs: ReadonlyArray<ReadonlyArray<TableMeta>>
  /** By level, the tables below the output that could hold one of its keys. */
  readonly below: ReadonlyArray<ReadonlyArray<KeyBounds>>
}

export const mergeInputs = ({ level, outputLevel, inputs, overlaps }: Compaction, version: Version): MergeInputs => {
  const { smallest, largest } = keyRange([...inputs, ...overlaps])
  const upper = level === 0 ? inputs.map((table) => [table]) : [inputs]
  return {
    runs: overlaps.length === 0 ? upper : [...upper, overlaps],
    below: version.levels.slice(outputLevel + 1).map((_, i) => {
      const tables = version.overlapping(outputLevel + 1 + i, smallest, largest)
      return tables.map(({ smallestKey, largestKey }) => ({ smallestKey, largestKey }))
    })
  }
}

/** The most that an entry takes beside its key and value: its columns, its part of the groups, and a block of its own. */
const entryOverhead = 80

/** How many tables merging may write at most: all but the last have `targetSize` bytes, and each has an entry. */
export const tablesAtMost = (runs: MergeInputs["runs"], targetSize: number): number => {
  let entries = 0
  let bytes = 0
  for (const table of runs.flat()) {
    entries += table.entries
    bytes += table.rawBytes + table.entries * entryOverhead
  }
  const least = targetSize - fileHeaderSize
  return least > 0 ? Math.min(entries, Math.floor(bytes / least) + 1) : entries
}
