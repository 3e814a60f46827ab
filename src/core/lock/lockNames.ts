import { lockName } from "../storage/fileNames.js"

/** The names that owners of a directory give themselves. */
const pattern = /^LOCK-[0-9a-f]{16}$/
const temporaryPattern = /^LOCK-[0-9a-f]{16}\.tmp$/

/** The name of an owner, or of a process that asks to be one. */
export const isOwnerName = (name: string): boolean => pattern.test(name)

/** What an owner's name is called until it is complete. */
export const isTemporaryOwnerName = (name: string): boolean => temporaryPattern.test(name)

/** Whether a name has to do with locks alone: no store is there because of it. */
export const isLockName = (name: string): boolean =>
  name === lockName || isOwnerName(name) || isTemporaryOwnerName(name)

const word = (): string =>
  Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, "0")

/** A name that no owner has had. It need not be secret. */
export const drawOwnerName = (): string => `${lockName}-${word()}${word()}`

export const temporaryOf = (ownerName: string): string => `${ownerName}.tmp`
