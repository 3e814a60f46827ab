import { lockName } from "../storage/fileNames.js"

/** The names that owners of a directory take. */
const pattern = /^LOCK-[0-9a-f]{16}$/
const temporaryPattern = /^LOCK-[0-9a-f]{16}\.tmp$/

/** Whether a name belongs to an owner, or to a process that wants to become one. */
export const isOwnerName = (name: string): boolean => pattern.test(name)

/** Whether a name is temporary: it is used until an owner's name is complete. */
export const isTemporaryOwnerName = (name: string): boolean => temporaryPattern.test(name)

/** Whether a name is used by locks only. Such a name does not show that a store exists. */
export const isLockName = (name: string): boolean =>
  name === lockName || isOwnerName(name) || isTemporaryOwnerName(name)

const word = (): string =>
  Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, "0")

/** Draws a random name, which no owner has had before. It need not be secret. */
export const drawOwnerName = (): string => `${lockName}-${word()}${word()}`

export const temporaryOf = (ownerName: string): string => `${ownerName}.tmp`
