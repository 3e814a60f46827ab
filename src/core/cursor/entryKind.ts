/**
 * The kind of an entry. The numbers are part of every file format.
 *
 * - An entry of kind `valueHandle` has its value in another file, and a handle in its place. Only tables
 *   have such entries.
 * - An entry of kind `rangeDeletion` deletes all keys from its key to its value, which is the first key
 *   that it does not delete; an empty value means that there is no such key.
 * - `expiringValue` and `expiringHandle` are a value and a handle that begin with the time when they
 *   expire; see `expiry.ts`.
 */
export const EntryKind = {
  deletion: 0,
  value: 1,
  valueHandle: 2,
  rangeDeletion: 3,
  expiringValue: 4,
  expiringHandle: 5
} as const

/** Whether an entry says that its key is absent. A range deletion deletes its first key too. */
export const isTombstone = (kind: number): boolean => kind === EntryKind.deletion || kind === EntryKind.rangeDeletion

/** Whether an entry has a handle instead of its value. */
export const isHandle = (kind: number): boolean => kind === EntryKind.valueHandle || kind === EntryKind.expiringHandle
