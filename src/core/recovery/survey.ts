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

/** Which files of a directory make up a store, as far as it can still be told. */
export interface Survey {
  readonly storeId: Uint8Array
  /** What the manifest says; undefined where it is lost. Then every table and every segment counts. */
  readonly manifest: (StoreDirectory & { readonly state: ManifestState }) | undefined
  readonly tables: ReadonlyArray<{ readonly fileNumber: number; readonly meta: TableMeta | undefined }>
  readonly segments: ReadonlyArray<number>
  /** Names of the store's making that do not belong to it. */
  readonly orphans: ReadonlyArray<string>
  /** A number that no state of the directory before a change shares with one after it. */
  readonly stateNumber: number
  readonly nextFileNumber: number
}

/**
 * Looks at CURRENT and the manifest, and reports what is wrong with them and which files are missing. Undefined where there is
 * no store.
 *
 * @throws FormatFailure, StorageFailure that is no damage, and CorruptionFailure where nothing tells whose files these are
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
    // Its header says nothing that CURRENT does not: the edits count, each by its own checksum.
    const manifest = attempt(report, () =>
      readManifestOf(driver, directory, names, current.fileNumber, current.storeId, false)
    )
    if (manifest !== undefined) return surveyOf(driver, directory, names, manifest, report)
  }
  const latest = latestManifest(driver, directory, names)
  // What CURRENT points to has failed; only a later manifest can be more than a copy that was left behind.
  if (latest === undefined || latest.fileNumber <= (current?.fileNumber ?? 0)) {
    return surveyWithout(driver, directory, names)
  }
  const manifest = attempt(report, () => readManifestOf(driver, directory, names, latest.fileNumber, latest.storeId))
  return manifest === undefined
    ? surveyWithout(driver, directory, names)
    : surveyOf(driver, directory, names, manifest, report)
}

/** Undefined, and reported, if it fails for damage. */
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
 * Every table and every segment of the directory, for nothing says which of them still counted, except for those that a sound edit of a
 * damaged manifest has removed.
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
  return {
    storeId,
    manifest: undefined,
    tables: numbers("table")
      .filter((fileNumber) => !removed.tables.has(fileNumber))
      .map((fileNumber) => ({ fileNumber, meta: undefined })),
    segments: numbers("log").filter((segment) => !removed.segments.has(segment)),
    orphans: [],
    stateNumber: highestFileNumber(names),
    nextFileNumber: highestFileNumber(names) + 1
  }
}

/** What the sound edits of all manifests have removed: a file number is never given twice. */
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

/** The manifest with the highest number: each is written whole before CURRENT comes to point to it. */
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

/** The store id that CURRENT tells, or else most of the other files. @throws CorruptionFailure when none tells any */
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
  throw new CorruptionFailure(directory, 0, "file header", "no file has a header that tells whose it is")
}

/** Undefined where the header is damaged. @throws FormatFailure, StorageFailure that is no damage */
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
