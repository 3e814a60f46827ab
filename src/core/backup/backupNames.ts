import { isFileNumber } from "../storage/fileHeader.js"
import { logName, tableName, valuesName } from "../storage/fileNames.js"

/** The kinds of a store's files that a backup holds. */
export type BackupKind = "table" | "values" | "log"

/** Says that a directory is a backup, and of which store. */
export const markerName = "BACKUP"

const padded = (number: number): string => String(number).padStart(6, "0")

/** The list of a generation. */
export const generationName = (generation: number): string => `GENERATION-${padded(generation)}`

/** Its name while it is written. */
export const temporaryGenerationName = (generation: number): string => `${generationName(generation)}.tmp`

/** The name of a file in its store. */
export const nameInStore = (kind: BackupKind, fileNumber: number): string =>
  kind === "table" ? tableName(fileNumber) : kind === "values" ? valuesName(fileNumber) : logName(fileNumber)

/**
 * The name of a file in the backup: that in its store, with the generation that brought it. So the
 * copies of a log that grows are files of their own.
 */
export const nameInBackup = (kind: BackupKind, fileNumber: number, since: number): string =>
  nameInStore(kind, fileNumber).replace(".", `-${padded(since)}.`)

const generationPattern = /^GENERATION-(\d{6,15})$/
const ownPattern = /^(?:GENERATION-\d{6,15}(?:\.tmp)?|\d{6,15}-\d{6,15}\.(?:sst|val|log))$/

/** The number of a generation whose list has this name. Undefined for other names. */
export const generationOf = (name: string): number | undefined => {
  const number = Number(generationPattern.exec(name)?.[1])
  return isFileNumber(number) && generationName(number) === name ? number : undefined
}

/** Whether a name in a backup is one that backups give. All other files are left alone. */
export const isBackupName = (name: string): boolean => ownPattern.test(name)
