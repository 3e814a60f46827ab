import { compare } from "../bytes/bytes.js"
import { BlockCache } from "../cache/blockCache.js"
import { type ManifestState, removedFiles } from "../manifest/manifestFile.js"
import { orphansAmong } from "../manifest/orphans.js"
import {
  highestFileNumber,
  missingFile,
  missingFiles,
  readManifestOf,
  readStoreDirectory,
  readWhole,
  type StoreDirectory
} from "../manifest/storeDirectory.js"
import { damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, type FileHeader, type FileKind, fileHeaderSize } from "../storage/fileHeader.js"
import { currentName, logName, manifestName, parseFileName, tableName } from "../storage/fileNames.js"
import { closeQuietly, readExactly, type StorageDriver } from "../storage/storageDriver.js"
import type { TableMeta } from "../table/tableFormat.js"
import { ReadCounters, TableReader } from "../table/tableReader.js"
import { valueFileName } from "../values/valueFile.js"

/** The files of a directory that make up a store, as far as they can still be determined. */
export interface Survey {
  readonly storeId: Uint8Array
  /** The manifest. Undefined if it is lost: then every table and every segment counts. */
  readonly manifest: (StoreDirectory & { readonly state: ManifestState }) | undefined
  readonly tables: ReadonlyArray<{ readonly fileNumber: number; readonly meta: TableMeta | undefined }>
  readonly segments: ReadonlyArray<number>
  /** Names of the store's own files that its manifest does not name. */
  readonly orphans: ReadonlyArray<string>
  /** A number that differs between the states of the directory before and after a change. */
  readonly stateNumber: number
  readonly nextFileNumber: number
}

/**
 * Reads CURRENT and the manifest. Reports damage to them, and files that are missing. Returns
 * undefined if there is no store.
 *
 * @throws FormatFailure, any StorageFailure that is not damage, and CorruptionFailure if no file
 * shows the id of the store
 */
export const surveyDirectory = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  report: Report
): Survey | undefined => {
  try {
    const manifest = readStoreDirectory(driver, directory, names)
    return manifest && surveyOf(driver, directory, names, manifest, report)
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    report(damageOf(failure, 0, "file"))
  }
  const current = headerOf(driver, `${directory}/${currentName}`, "current")
  if (current !== undefined) {
    // CURRENT holds the same data as the manifest's header, so read the edits without it. Each edit
    // has its own checksum.
    const manifest = attempt(report, () =>
      readManifestOf(driver, directory, names, current.fileNumber, current.storeId, false)
    )
    if (manifest !== undefined) return surveyOf(driver, directory, names, manifest, report)
  }
  const latest = latestManifest(driver, directory, names)
  // The manifest that CURRENT names cannot be read. Only a later manifest may be newer than that:
  // an earlier one is a leftover.
  if (latest === undefined || latest.fileNumber <= (current?.fileNumber ?? 0)) {
    return surveyWithout(driver, directory, names)
  }
  const manifest = attempt(report, () => readManifestOf(driver, directory, names, latest.fileNumber, latest.storeId))
  return manifest === undefined
    ? surveyWithout(driver, directory, names)
    : surveyOf(driver, directory, names, manifest, report)
}

/** Runs `run`. If it fails because of damage, reports that and returns undefined. */
const attempt = <A>(report: Report, run: () => A): A | undefined => {
  try {
    return run()
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    report(damageOf(failure, 0, "file"))
    return undefined
  }
}

const surveyOf = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  manifest: StoreDirectory,
  report: Report
): Survey => {
  const { state, manifestNumber, storeId } = manifest
  const missing = missingFiles(state, names)
  const metas = state.version.levels.flat()
  for (const name of missing.segments) report(damageOf(missingFile(directory, name, manifestNumber), 0, "file"))
  for (const { fileNumber, size, smallestKey: from, largestKey: to } of metas) {
    const name = tableName(fileNumber)
    if (!missing.tables.includes(name)) continue
    report(damageOf(missingFile(directory, name, manifestNumber), 0, "file", size, { from, to }))
  }
  for (const { fileNumber, kind, size } of state.version.valueFiles.values()) {
    const name = valueFileName({ fileNumber, kind })
    if (!missing.values.includes(name)) continue
    const users = metas.filter(({ valueRefs }) => valueRefs?.some((ref) => ref.fileNumber === fileNumber) === true)
    const from = users.map(({ smallestKey }) => smallestKey).sort(compare)[0]
    const to = users
      .map(({ largestKey }) => largestKey)
      .sort(compare)
      .at(-1)
    report(damageOf(missingFile(directory, name, manifestNumber), 0, "file", size, { from, to }))
  }
  const tables = metas.filter(({ fileNumber }) => !missing.tables.includes(tableName(fileNumber)))
  const segments = state.segments.filter((segment) => !missing.segments.includes(logName(segment)))
  return {
    storeId,
    manifest,
    tables: tables.map((meta) => ({ fileNumber: meta.fileNumber, meta })),
    segments,
    orphans: orphansAmong(driver, directory, names, manifest),
    stateNumber: manifestNumber,
    nextFileNumber: state.nextFileNumber
  }
}

/**
 * Surveys a directory without a readable manifest. Every table and every segment counts, except for
 * those that a sound edit of a damaged manifest removed, and segments that only keep values: a
 * table has handles to them, so all their records have been flushed.
 */
const surveyWithout = (driver: StorageDriver, directory: string, names: ReadonlyArray<string>): Survey => {
  const storeId = storeIdOf(driver, directory, names)
  const removed = removedByManifests(driver, directory, names, storeId)
  const numbers = (kind: "table" | "log") =>
    names
      .flatMap((name) => {
        const file = parseFileName(name)
        return file?.kind === kind ? [file.fileNumber] : []
      })
      .sort((a, b) => a - b)
  const tables = numbers("table").filter((fileNumber) => !removed.tables.has(fileNumber))
  const withValues = new Set(tables.flatMap((table) => valueFilesOf(driver, directory, table, storeId)))
  return {
    storeId,
    manifest: undefined,
    tables: tables.map((fileNumber) => ({ fileNumber, meta: undefined })),
    segments: numbers("log").filter((segment) => !removed.segments.has(segment) && !withValues.has(segment)),
    orphans: [],
    stateNumber: highestFileNumber(names),
    nextFileNumber: highestFileNumber(names) + 1
  }
}

/** The numbers of the files with values that a table has handles to, if the table can be opened. */
const valueFilesOf = (
  driver: StorageDriver,
  directory: string,
  fileNumber: number,
  storeId: Uint8Array
): ReadonlyArray<number> =>
  attempt(ignore, () => {
    const file = driver.openRead(`${directory}/${tableName(fileNumber)}`)
    try {
      const { properties } = new TableReader(file, fileNumber, storeId, new BlockCache(0, 0), new ReadCounters())
      return properties.valueRefs?.map((ref) => ref.fileNumber)
    } finally {
      closeQuietly(file)
    }
  }) ?? []

/** Returns the files that sound edits of any manifest removed. File numbers are never reused. */
const removedByManifests = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  storeId: Uint8Array
): { readonly tables: ReadonlySet<number>; readonly segments: ReadonlySet<number> } => {
  const tables = new Set<number>()
  const segments = new Set<number>()
  for (const name of names) {
    const file = parseFileName(name)
    if (file?.kind !== "manifest") continue
    const bytes = attempt(ignore, () => readWhole(driver, `${directory}/${name}`))
    if (bytes === undefined) continue
    const removed = removedFiles(bytes, file.fileNumber, storeId, (table) => names.includes(tableName(table)))
    for (const table of removed.tables) tables.add(table)
    for (const segment of removed.segments) segments.add(segment)
  }
  return { tables, segments }
}

const ignore: Report = () => undefined

/**
 * Returns the header of the manifest with the highest number, or undefined if it is damaged. A
 * manifest is complete before CURRENT names it.
 */
const latestManifest = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>
): FileHeader | undefined => {
  const highest = names.reduce((most, name) => {
    const file = parseFileName(name)
    return file?.kind === "manifest" ? Math.max(most, file.fileNumber) : most
  }, 0)
  const header = highest === 0 ? undefined : headerOf(driver, `${directory}/${manifestName(highest)}`, "manifest")
  return header?.fileNumber === highest ? header : undefined
}

/**
 * Returns the store id in CURRENT, or else the id that most of the other files have.
 *
 * @throws CorruptionFailure if no file has a readable id
 */
const storeIdOf = (driver: StorageDriver, directory: string, names: ReadonlyArray<string>): Uint8Array => {
  const votes = new Map<string, { readonly storeId: Uint8Array; count: number }>()
  for (const name of names) {
    const file = parseFileName(name)
    if (file === undefined || file.kind === "lock" || file.kind === "temporary") continue
    const header = headerOf(driver, `${directory}/${name}`, file.kind)
    if (header === undefined) continue
    if (file.kind === "current") return header.storeId
    const vote = votes.get(header.storeId.join()) ?? { storeId: header.storeId, count: 0 }
    votes.set(header.storeId.join(), vote)
    vote.count++
  }
  const [most] = [...votes.values()].sort((a, b) => b.count - a.count)
  if (most !== undefined) return most.storeId
  throw new CorruptionFailure(directory, 0, "file header", "no file has a readable header with a store id")
}

/**
 * Reads the header of a file. Returns undefined if it is damaged.
 *
 * @throws FormatFailure, and any StorageFailure that is not damage
 */
const headerOf = (driver: StorageDriver, path: string, kind: FileKind): FileHeader | undefined => {
  try {
    const file = driver.openRead(path)
    try {
      return decodeFileHeader(readExactly(file, 0, fileHeaderSize), kind, path)
    } finally {
      closeQuietly(file)
    }
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    return undefined
  }
}
