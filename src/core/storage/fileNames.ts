import { isFileNumber } from "./fileHeader.js"

/** The names of a store's files. Anything else in the directory is not ours and is never touched. */
export const currentName = "CURRENT"
export const lockName = "LOCK"

const padded = (fileNumber: number): string => String(fileNumber).padStart(6, "0")

export const logName = (fileNumber: number): string => `${padded(fileNumber)}.log`
export const tableName = (fileNumber: number): string => `${padded(fileNumber)}.sst`
export const manifestName = (fileNumber: number): string => `MANIFEST-${padded(fileNumber)}`

/** What is to become CURRENT and to point to this manifest. */
export const temporaryName = (manifestNumber: number): string => `CURRENT-${padded(manifestNumber)}.tmp`

/** A directory where the files of a damaged store are kept; like all that is not listed below, it is never touched again. */
export const asideName = (number: number): string => `aside-${number}`

export type StoreFile =
  | { readonly kind: "log" | "table" | "manifest" | "temporary"; readonly fileNumber: number }
  | { readonly kind: "current" | "lock" }

const patterns = [
  { kind: "log", pattern: /^(\d{6,15})\.log$/, nameOf: logName },
  { kind: "table", pattern: /^(\d{6,15})\.sst$/, nameOf: tableName },
  { kind: "manifest", pattern: /^MANIFEST-(\d{6,15})$/, nameOf: manifestName },
  { kind: "temporary", pattern: /^CURRENT-(\d{6,15})\.tmp$/, nameOf: temporaryName }
] as const

/** What a directory entry is to the store; undefined for a foreign file. */
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
