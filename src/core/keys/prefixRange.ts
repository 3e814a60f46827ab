import { escape, type KeyTuple } from "./element.js"
import { encodeTuple } from "./encodeTuple.js"

/** Bytes from `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  readonly start: Uint8Array
  readonly end: Uint8Array
}

/** The range of the tuples that begin with this one, which is the first of them. */
export const prefixRange = (tuple: KeyTuple, prefix?: Uint8Array): ByteRange => {
  const start = encodeTuple(tuple, prefix)
  return { start, end: afterAll(start) }
}

/**
 * The bytes after a tuple and all that it begins. No element begins with the escape. What continues
 * the same bytes with it belongs to another tuple, whose last string, say, goes on with a zero byte.
 */
export const afterAll = (encoded: Uint8Array): Uint8Array => {
  const end = new Uint8Array(encoded.length + 1)
  end.set(encoded)
  end[encoded.length] = escape
  return end
}
