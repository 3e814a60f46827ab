import { compareRange } from "../bytes/bytes.js"
import { EntryKind, isHandle } from "../cursor/entryKind.js"
import { expires, expirySize } from "../cursor/expiry.js"
import { valueHandleSize } from "../values/valueHandle.js"
import { BlockCursor } from "./blockCursor.js"

/**
 * The first and the last key of a data block, and the sequence numbers of the first and the last
 * entry.
 */
export interface BlockKeys {
  readonly first: Uint8Array
  readonly last: Uint8Array
  readonly firstSequence: number
  readonly lastSequence: number
}

/**
 * Called for each entry in order. `isNewKey` is true for the newest version of each key in the
 * block.
 */
export type Visit = (entry: BlockCursor, isNewKey: boolean) => void

/** Walks a whole data block. Returns its keys, or the reason why it is damaged. */
export const walkBlock = (block: Uint8Array, visit?: Visit): BlockKeys | string => {
  try {
    return walk(block, visit)
  } catch (failure) {
    if (failure instanceof Malformed) return failure.message
    throw failure
  }
}

/** Whether a value is as long as its kind asks for. */
const fits = ({ kind, valueEnd, valueStart }: BlockCursor): boolean => {
  const timeSize = expires(kind) ? expirySize : 0
  const length = valueEnd - valueStart - timeSize
  return isHandle(kind) ? length === valueHandleSize : length >= 0
}

class Malformed extends Error {}

const fail = (reason: string): never => {
  throw new Malformed(reason)
}

const walk = (block: Uint8Array, visit: Visit | undefined): BlockKeys => {
  const cursor = new BlockCursor(() => fail("malformed"))
  let first: Uint8Array | undefined
  let last: Uint8Array = new Uint8Array(256)
  let length = -1
  let sequence = 0
  let firstSequence = 0
  cursor.open(block)
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
    const { keyBytes, keyEnd } = cursor
    const order = length < 0 ? -1 : compareRange(last, 0, length, keyBytes, 0, keyEnd)
    if (order > 0) fail("keys out of order")
    if (order === 0 && cursor.sequence >= sequence) fail("versions out of order")
    if (cursor.kind > EntryKind.expiringHandle || cursor.sequence < 1 || !fits(cursor)) {
      fail("an entry that no write makes")
    }
    visit?.(cursor, order < 0)
    sequence = cursor.sequence
    if (length < 0) firstSequence = sequence
    if (order === 0) continue
    if (keyEnd > last.length) last = new Uint8Array(keyEnd * 2)
    last.set(keyBytes.subarray(0, keyEnd))
    length = keyEnd
    first ??= last.slice(0, length)
  }
  return { first: first ?? fail("empty"), last: last.slice(0, length), firstSequence, lastSequence: sequence }
}
