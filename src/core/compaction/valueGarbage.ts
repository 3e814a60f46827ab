import type { LiveValues, Version } from "../manifest/version.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import type { TableMeta } from "../table/tableFormat.js"
import { type Compaction, compactionOf, most, tablesOf } from "./compactionPicker.js"

/**
 * The part of what value files hold that may be garbage: values that no table has a handle to. At a
 * third, value files are at most one and a half times as large as the values in use. See
 * docs/decisions/0015-value-separation.md.
 */
export const garbageLimit = 1 / 3

/** Once files are collected, so many that the garbage falls to this part of the limit. */
const collectedTo = 0.8

interface Held {
  readonly size: number
  readonly bytes: number
}

/** The part of a file, or of several, that is garbage. */
const garbageShare = ({ size, bytes }: Held): number =>
  size <= fileHeaderSize ? 0 : 1 - bytes / (size - fileHeaderSize)

/** The files of which more than the limit is garbage, the stalest first. */
export const staleFiles = (version: Version): ReadonlyArray<number> =>
  stalest(version).map(({ fileNumber }) => fileNumber)

const stalest = (version: Version): ReadonlyArray<LiveValues> =>
  [...version.valueFiles.values()]
    .filter((file) => garbageShare(file) > garbageLimit)
    .sort((a, b) => garbageShare(b) - garbageShare(a))

/**
 * The files that background work collects, the stalest first. As long as all value files together
 * are within the limit, there are none. Beyond it, no more are collected than are needed: what is
 * left of a file may soon be garbage too.
 */
export const dueFiles = (version: Version): ReadonlyArray<number> => {
  let size = fileHeaderSize
  let bytes = 0
  for (const file of version.valueFiles.values()) {
    size += file.size - fileHeaderSize
    bytes += file.bytes
  }
  if (garbageShare({ size, bytes }) <= garbageLimit) return []
  const due: Array<number> = []
  for (const file of stalest(version)) {
    if (garbageShare({ size, bytes }) <= garbageLimit * collectedTo) break
    due.push(file.fileNumber)
    size -= file.size - fileHeaderSize - file.bytes
  }
  return due
}

/**
 * Returns the next tables to rewrite so that a value file can go, or undefined if no file is due:
 * those with handles to the file with the largest share of garbage. Afterwards they have none, so
 * this ends.
 */
export const pickValues = (version: Version): Compaction | undefined => {
  const [first] = dueFiles(version)
  if (first === undefined) return undefined
  const isDue = ({ valueRefs }: TableMeta): boolean =>
    valueRefs?.some(({ fileNumber }) => fileNumber === first) === true
  for (let level = 0; level < version.levels.length; level++) {
    const tables = version.levels[level]!
    const from = tables.findIndex(isDue)
    if (from < 0) continue
    if (level === 0) return compactionOf(version, "values", 0, 1, tables, true)
    let to = from + 1
    while (to < Math.min(tables.length, from + most) && isDue(tables[to]!)) to++
    return compactionOf(version, "values", level, level, tables.slice(from, to), true)
  }
  return undefined
}

/** A file smaller than this part of a full one is small. */
const smallPart = 1 / 64
/** So many small files are merged when a compaction has handles to them. */
const smallFiles = 8

/**
 * The files whose values a compaction writes anew: those of `due` and, if there are several, the
 * small ones. Otherwise each flush of little data would leave a file, and tables would have handles
 * to ever more of them.
 */
export const filesToCollect = (
  version: Version,
  compaction: Compaction,
  due: ReadonlyArray<number>,
  fullSize: number
): ReadonlyArray<number> => {
  const touched = new Set(
    tablesOf(compaction).flatMap(({ tables }) =>
      tables.flatMap(({ valueRefs = [] }) => valueRefs.map((ref) => ref.fileNumber))
    )
  )
  const small = [...touched].filter((fileNumber) => version.valueFiles.get(fileNumber)!.size < fullSize * smallPart)
  return [...new Set([...due.filter((file) => touched.has(file)), ...(small.length < smallFiles ? [] : small)])]
}
