import type { Uuid } from "./uuid.js"

/** What a key can hold. An array is a nested tuple. */
export type KeyElement =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | Uuid
  | ReadonlyArray<KeyElement>

/** A key: its elements, the most significant first. */
export type KeyTuple = ReadonlyArray<KeyElement>

/**
 * The first byte of an element. It says the type, and orders elements of different types. The codes
 * are those of FoundationDB, where it has the type. They are stored, so none changes its meaning.
 */
export const code = {
  null: 0x00,
  bytes: 0x01,
  string: 0x02,
  tuple: 0x05,
  /** Integers of 256 bytes and more. FoundationDB reserves the code. */
  hugeNegative: 0x0a,
  bigNegative: 0x0b,
  /** Plus or minus the number of bytes of the integer, up to 8. */
  zero: 0x14,
  bigPositive: 0x1d,
  hugePositive: 0x1e,
  double: 0x21,
  false: 0x26,
  true: 0x27,
  uuid: 0x30,
  /** The first of the codes that FoundationDB leaves to its users. */
  date: 0x40
} as const

/** Follows a zero byte that is data. No type has it as its code, so it never begins an element. */
export const escape = 0xff

/** Tuples may be nested this deep. A bound keeps damaged bytes from exhausting the stack. */
export const deepest = 64

/** The largest time that a Date can hold, in milliseconds from 1970. */
export const latestTime = 8.64e15
