import { StorageFailure } from "../storage/failure.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { type ValueFile, type ValueFileKind, valueFileName } from "../values/valueFile.js"
import { sizeOf } from "./storeDirectory.js"
import type { TableChanges, Version } from "./version.js"

/**
 * The files that an edit has to name, because its tables are the first to have handles to them:
 * those that it names already, and any that it leaves out. A compactor written for an early release
 * knows of tables only.
 *
 * @throws StorageFailure
 */
export const namedValueFiles = (
  driver: StorageDriver,
  directory: string,
  version: Version,
  { added, valueFiles = [] }: Pick<TableChanges, "added" | "valueFiles">
): ReadonlyArray<ValueFile> => {
  const known = new Set(valueFiles.map(({ fileNumber }) => fileNumber))
  const referenced = added.flatMap(({ table }) => table.valueRefs?.map(({ fileNumber }) => fileNumber) ?? [])
  const missing = new Set(referenced.filter((number) => !known.has(number) && !version.valueFiles.has(number)))
  if (missing.size === 0) return valueFiles
  const found = [...missing].map((fileNumber): ValueFile => {
    const sizeAs = (kind: ValueFileKind) => sizeOf(driver, `${directory}/${valueFileName({ fileNumber, kind })}`)
    try {
      return { fileNumber, kind: "values", size: sizeAs("values") }
    } catch (failure) {
      if (!(failure instanceof StorageFailure && failure.code === "ENOENT")) throw failure
      return { fileNumber, kind: "log", size: sizeAs("log") }
    }
  })
  return [...valueFiles, ...found]
}
