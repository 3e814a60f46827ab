import { isFileNumber } from "./fileHeader.js"

/** The names of a store's files. Anything else in the directory is not ours and is never touched. */
export const currentName = "CURRENT"
export const currentTemporaryName = "CURRENT.tmp"
export const lockName = "LOCK"

const padded = (fileNumber: number): string => String(fileNumber).padStart(6, "0")

export const logName = (fileNumber: number): string => `${padded(fileNumber)}.log`
export const tableName = (fileNumber: number): string => `${padded(fileNumber)}.sst`
export const manifestName = (fileNumber: number): string => `MANIFEST-${padded(fileNumber)}`

/** A directory where the files of a damaged store are kept; like all that is not listed below, it is never touched again. */
export const asideName = (number: number): string => `aside-${number}`

export type StoreFile =
  | { readonly kind: "log" | "table" | "manifest"; readonly fileNumber: number }
  | { readonly kind: "current" | "temporary" | "lock" }

const pattern = /^(?:(\d{6,15})\.(log|sst)|MANIFEST-(\d{6,15}))$/

/** What a directory entry is to the store; undefined for a foreign file. */
export const parseFileName = (name: string): StoreFile | undefined => {
  if (name === currentName) return { kind: "current" }
  if (name === currentTemporaryName) return { kind: "temporary" }
  if (name === lockName) return { kind: "lock" }
  const match = pattern.exec(name)
  if (match === null) return undefined
  const fileNumber = Number(match[1] ?? match[3])
  const kind = match[3] !== undefined ? "manifest" : match[2] === "log" ? "log" : "table"
  const canonical = kind === "manifest" ? manifestName : kind === "log" ? logName : tableName
  return canonical(fileNumber) === name && isFileNumber(fileNumber) ? { kind, fileNumber } : undefined
}
