import { isFileNumber } from "./fileHeader.js"

/**
 * The names of a store's files. Any other file in the directory is foreign and is never touched.
 */
export const currentName = "CURRENT"
export const lockName = "LOCK"

const padded = (fileNumber: number): string => String(fileNumber).padStart(6, "0")

export const logName = (fileNumber: number): string => `${padded(fileNumber)}.log`
export const tableName = (fileNumber: number): string => `${padded(fileNumber)}.sst`
export const valuesName = (fileNumber: number): string => `${padded(fileNumber)}.val`
export const manifestName = (fileNumber: number): string => `MANIFEST-${padded(fileNumber)}`

/** The temporary file that points to this manifest and is renamed to CURRENT. */
export const temporaryName = (manifestNumber: number): string => `CURRENT-${padded(manifestNumber)}.tmp`

/**
 * A directory that keeps the files of a damaged store. Like every name that is not listed below, it
 * is never touched again.
 */
export const asideName = (number: number): string => `aside-${number}`

export type StoreFile =
  | { readonly kind: "log" | "table" | "values" | "manifest" | "temporary"; readonly fileNumber: number }
  | { readonly kind: "current" | "lock" }

const patterns = [
  { kind: "log", pattern: /^(\d{6,15})\.log$/, nameOf: logName },
  { kind: "table", pattern: /^(\d{6,15})\.sst$/, nameOf: tableName },
  { kind: "values", pattern: /^(\d{6,15})\.val$/, nameOf: valuesName },
  { kind: "manifest", pattern: /^MANIFEST-(\d{6,15})$/, nameOf: manifestName },
  { kind: "temporary", pattern: /^CURRENT-(\d{6,15})\.tmp$/, nameOf: temporaryName }
] as const

/** Parses the name of a directory entry; undefined for a foreign file. */
export const parseFileName = (name: string): StoreFile | undefined => {
  if (name === currentName) return { kind: "current" }
  if (name === lockName) return { kind: "lock" }
  for (const { kind, pattern, nameOf } of patterns) {
    const digits = pattern.exec(name)?.[1]
    if (digits === undefined) continue
    const fileNumber = Number(digits)
    return nameOf(fileNumber) === name && isFileNumber(fileNumber) ? { kind, fileNumber } : undefined
  }
  return undefined
}
