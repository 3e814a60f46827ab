import { sizeIfThere } from "../manifest/storeDirectory.js"
import { damageOf, reportOnce } from "../storage/damage.js"
import { currentName, logName, manifestName, tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { type ValueFile, valueFileName } from "../values/valueFile.js"
import { SoundValues } from "./soundValues.js"
import { type Survey, surveyDirectory } from "./survey.js"
import { findingOf, type VerifyListener } from "./verifyListener.js"
import { verifyLog } from "./verifyLog.js"
import { verifyTable } from "./verifyTable.js"

/** Counts of what was checked. */
export interface Verified {
  readonly tables: number
  readonly segments: number
  /** Entries in tables. */
  readonly entries: number
  /** Records in the log. */
  readonly records: number
}

/** Returns the total size in bytes of the files that make up a store. */
export const bytesToVerify = (driver: StorageDriver, directory: string, survey: Survey): number =>
  [
    ...(survey.manifest === undefined ? [] : [currentName, manifestName(survey.manifest.manifestNumber)]),
    ...survey.tables.map(({ fileNumber }) => tableName(fileNumber)),
    ...valueFilesOf(survey).map(valueFileName),
    ...survey.segments.map(logName)
  ].reduce((bytes, name) => bytes + sizeIfThere(driver, `${directory}/${name}`), 0)

/**
 * The files with values that the manifest names. A segment of the log is checked with the log.
 */
const valueFilesOf = ({ manifest, segments }: Survey): ReadonlyArray<ValueFile> =>
  [...(manifest?.state.version.valueFiles.values() ?? [])].filter(({ fileNumber }) => !segments.includes(fileNumber))

/**
 * Checks a whole store: every header and every checksum; the order of keys within and across
 * blocks; the properties and the manifest's description of each table; that filters and indexes
 * lead to each key; every value that a table has a handle to; and every frame of the log, with the sequence numbers of its records.
 *
 * Memory is bounded by a block or a segment, plus the index and filter of one table. Yields between
 * slices of work. Returns undefined if there is no store.
 */
export function* verifyDirectory(
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  listener: VerifyListener,
  begin: (bytes: number) => void
): Generator<void, Verified | undefined> {
  const error = reportOnce(listener.error)
  let survey: Survey | undefined
  try {
    survey = surveyDirectory(driver, directory, names, error)
  } catch (failure) {
    const finding = findingOf(failure)
    if (finding === undefined) throw failure
    error(damageOf(finding, 0, "file"))
  }
  if (survey === undefined) return undefined
  begin(bytesToVerify(driver, directory, survey))
  if (survey.manifest !== undefined) reportManifest(driver, directory, survey.manifest, listener)
  for (const name of survey.orphans) {
    const reason = "an orphan: the manifest does not name it"
    listener.notice({
      file: `${directory}/${name}`,
      offset: 0,
      bytes: undefined,
      region: "file",
      reason,
      keys: undefined
    })
  }
  let entries = 0
  const values = new SoundValues(driver, directory, survey.storeId, error, survey.manifest?.state.version.valueFiles)
  try {
    for (const { fileNumber, meta } of survey.tables) {
      entries += yield* verifyTable(driver, directory, survey, fileNumber, meta, values, error, listener)
    }
    for (const { fileNumber, size } of valueFilesOf(survey)) {
      values.check(fileNumber, size)
      values.tellRest(fileNumber, listener.progress)
      yield
    }
  } finally {
    values.close()
  }
  const records = yield* verifyLog(driver, directory, survey, error, listener)
  return { tables: survey.tables.length, segments: survey.segments.length, entries, records }
}

const reportManifest = (
  driver: StorageDriver,
  directory: string,
  manifest: NonNullable<Survey["manifest"]>,
  { notice, progress }: VerifyListener
): void => {
  const file = `${directory}/${manifestName(manifest.manifestNumber)}`
  const size = sizeIfThere(driver, file)
  progress(`${directory}/${currentName}`, sizeIfThere(driver, `${directory}/${currentName}`))
  progress(file, size)
  const { tornBytes: bytes } = manifest
  if (bytes === 0) return
  const reason = "a torn last edit, which never took effect"
  notice({ file, offset: size - bytes, bytes, region: "manifest edit", reason, keys: undefined })
}
