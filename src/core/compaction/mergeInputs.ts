import type { KeyBounds, Version } from "../manifest/version.js"
import { type MergeRanges, overlapsBounds } from "../ranges/rangeDeletion.js"
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
  /** Left out if no table of the version has range deletions. */
  readonly rangeDeletions?: MergeRanges | undefined
}

const mergeRanges = (
  version: Version,
  inputs: ReadonlyArray<TableMeta>,
  bounds: KeyBounds
): MergeRanges | undefined => {
  if (!version.holdsRanges) return undefined
  const without = new Set(inputs.map(({ fileNumber }) => fileNumber))
  return {
    covering: version.ranges.filter((range) => overlapsBounds(range, bounds)),
    done: inputs.flatMap(({ ranges = [] }) =>
      ranges
        .filter((range) => !version.isInForce(range.sequence) || version.isDone(range, without))
        .map(({ sequence }) => sequence)
    ),
    newest: version.newestRange
  }
}

/** Whether the outputs of a merge may hold range deletions, or entries that expire. */
export const needsAllKinds = ({ rangeDeletions, runs }: Pick<MergeInputs, "rangeDeletions" | "runs">): boolean =>
  rangeDeletions !== undefined ||
  runs.some((tables) =>
    tables.some(({ expiring, ranges = [] }) => ranges.length > 0 || (expiring !== undefined && expiring.entries > 0))
  )

/**
 * What `TableMeta.cleared` is for the outputs of a job that takes account of range deletions up to
 * `newest`: a snapshot may keep entries that later ones cover.
 */
export const clearedBy = (newest: number, snapshots: ReadonlyArray<number>): number =>
  Math.min(newest, snapshots[0] ?? newest)

export const mergeInputs = (compaction: Compaction, version: Version): MergeInputs => {
  const { level, outputLevel, inputs, between, overlaps } = compaction
  const lower = [...between.map(({ tables }) => tables), overlaps].filter((tables) => tables.length > 0)
  const upper = level === 0 ? inputs.map((table) => [table]) : [inputs]
  const runs = [...upper, ...lower]
  const { smallest, largest } = keyRange(runs.flat())
  const rangeDeletions = mergeRanges(version, runs.flat(), { smallestKey: smallest, largestKey: largest })
  return {
    runs,
    ...(rangeDeletions !== undefined && { rangeDeletions }),
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
  return tablesAtMost(runs, targetSize) + valueFilesOf(entries, bytes, valueFileSize)
}

const valueFilesOf = (entries: number, bytes: number, valueFileSize: number): number => {
  const least = valueFileSize - fileHeaderSize
  return least > 0 ? Math.min(entries, Math.floor(bytes / least) + 1) : entries
}

/** The most value files that the flush of a memtable may write. */
export const valueFilesAtMost = (
  dataBytes: number,
  { first, last }: { readonly first: number; readonly last: number },
  valueFileSize: number
): number => valueFilesOf(last - first + 1, dataBytes, valueFileSize)

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
