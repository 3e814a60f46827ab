import { maxU48, readU48 } from "../bytes/encoding.js"
import { EntryKind } from "./entryKind.js"

/**
 * An entry that expires has the time before its value or handle, as 6 bytes: milliseconds since 1970.
 * From that time on, it is as if it were a deletion.
 */
export const expirySize = 6

/** The last time that an entry can have. */
export const lastExpiry = maxU48

/** Whether entries of a kind expire. */
export const expires = (kind: number): boolean => kind >= EntryKind.expiringValue

/** The kind of the entry behind the time. */
export const kindWithoutExpiry = (kind: number): number =>
  kind === EntryKind.expiringValue ? EntryKind.value : EntryKind.valueHandle

/** The time at the start of a value that expires. */
export const readExpiry = (bytes: Uint8Array, at: number): number => readU48(bytes, at)

/** Entries of a table that expire. */
export interface Expiring {
  readonly entries: number
  /** When the last of them expires. */
  readonly latest: number
}
