import { sizeIfThere } from "../manifest/storeDirectory.js"
import { damageOf, reportOnce } from "../storage/damage.js"
import { currentName, logName, manifestName, tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { type Survey, surveyDirectory } from "./survey.js"
import { findingOf, type VerifyListener } from "./verifyListener.js"
import { verifyLog } from "./verifyLog.js"
import { verifyTable } from "./verifyTable.js"

/** What there was to check. */
export interface Verified {
  readonly tables: number
  readonly segments: number
  /** Entries of tables. */
  readonly entries: number
  /** Records of the log. */
  readonly records: number
}

/** The files that make up a store, and their sizes together. */
export const bytesToVerify = (driver: StorageDriver, directory: string, survey: Survey): number =>
  [
    ...(survey.manifest === undefined ? [] : [currentName, manifestName(survey.manifest.manifestNumber)]),
    ...survey.tables.map(({ fileNumber }) => tableName(fileNumber)),
    ...survey.segments.map(logName)
  ].reduce((bytes, name) => bytes + sizeIfThere(driver, `${directory}/${name}`), 0)

/**
 * Checks a whole store: every header, every checksum, the order of keys within and across blocks, what properties and manifest say
 * of each table, that filters and indexes lead to each key, every frame of the log and the sequence numbers of its records. Memory is
 * bounded by a block or a segment, and by a table's index and filter. Yields between slices of work.
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
  if (survey.manifest !== undefined) tellOfManifest(driver, directory, survey.manifest, listener)
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
  for (const { fileNumber, meta } of survey.tables) {
    entries += yield* verifyTable(driver, directory, survey, fileNumber, meta, error, listener)
  }
  const records = yield* verifyLog(driver, directory, survey, error, listener)
  return { tables: survey.tables.length, segments: survey.segments.length, entries, records }
}

const tellOfManifest = (
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
  const reason = "a torn last edit, which was never acted upon"
  notice({ file, offset: size - bytes, bytes, region: "manifest edit", reason, keys: undefined })
}
