import { checksum } from "../../core/bytes/checksum.js"
import { readU32, writeU32 } from "../../core/bytes/encoding.js"
import { InvalidArgument } from "../../LsmError.js"

/**
 * A continuation is, in base64url: a version and a direction in one byte, the last key of the page as
 * the store has it, with the prefix of its keyspace, and a checksum of these.
 */
const forward = 0x10
const backward = 0x11
const seed = 0x70616765

/** The string that continues after a key. */
export const continuationOf = (key: Uint8Array, reverse: boolean): string => {
  const bytes = Buffer.alloc(key.length + 5)
  bytes[0] = reverse ? backward : forward
  bytes.set(key, 1)
  writeU32(bytes, key.length + 1, checksum(bytes, 0, key.length + 1, seed))
  return bytes.toString("base64url")
}

/** The key after which a string continues, in the keyspace with this prefix. */
export const continuationKey = (text: string, prefix: Uint8Array, reverse: boolean): Uint8Array | InvalidArgument => {
  const bytes = typeof text === "string" ? Buffer.from(text, "base64url") : Buffer.alloc(0)
  const end = bytes.length - 4
  // Decoding skips characters that are not base64url, so a changed text may have the same bytes.
  if (end < 1 || checksum(bytes, 0, end, seed) !== readU32(bytes, end) || bytes.toString("base64url") !== text) {
    return refusal("is not the `next` of a page")
  }
  if (bytes[0] !== (reverse ? backward : forward)) return refusal("is of a page in the other direction")
  const key = bytes.subarray(1, end)
  if (Buffer.compare(key.subarray(0, prefix.length), prefix) !== 0) {
    return refusal("is of another keyspace, or of one that was dropped")
  }
  return key
}

const refusal = (reason: string): InvalidArgument => new InvalidArgument({ argument: "after", reason })
