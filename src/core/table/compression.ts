import { deflateRawSync, inflateRawSync } from "node:zlib"
import { readVarint, varintEnd, varintLength, writeVarint } from "../bytes/encoding.js"

/** How a section of a table is compressed. */
export type Codec = "none" | "deflate"

/** The byte that identifies a codec in a section's trailer. */
export const codecByte = { none: 0, deflate: 1 } as const satisfies Record<Codec, number>

/** Returns undefined if no codec of this release has the byte. */
export const codecOf = (byte: number): Codec | undefined => (byte === 0 ? "none" : byte === 1 ? "deflate" : undefined)

/**
 * Each block needs a new stream, so set-up time counts. A window no larger than the block and a
 * lower memory level keep set-up short.
 */
const deflateOptions = (length: number) => ({
  windowBits: Math.min(15, Math.max(9, 32 - Math.clz32(length - 1))),
  memLevel: 6
})
/**
 * Deflate cannot expand by more than this factor. A larger length is damage, and we must not
 * allocate memory for it.
 */
const largestRatio = 1032

/**
 * Compresses `bytes[0, length)`. The result has `extra` bytes of room at the end. Returns undefined
 * if compression would save less than an eighth.
 *
 * ```
 * +--------------+--------------------+
 * | raw length v | raw deflate stream |
 * +--------------+--------------------+
 * ```
 */
export const compress = (bytes: Uint8Array, length: number, extra: number): Uint8Array | undefined => {
  if (length < 32) return undefined
  const stream = deflateRawSync(bytes.subarray(0, length), deflateOptions(length))
  const head = varintLength(length)
  if (head + stream.length > length - (length >>> 3)) return undefined
  const out = new Uint8Array(head + stream.length + extra)
  out.set(stream, writeVarint(out, 0, length))
  return out
}

/** Reverses `compress`. Returns undefined if the bytes are malformed. */
export const decompress = (bytes: Uint8Array): Uint8Array | undefined => {
  const length = readVarint(bytes, 0, bytes.length)
  if (length < 1) return undefined
  const start = varintEnd
  if (length > (bytes.length - start) * largestRatio) return undefined
  try {
    // With room to spare, zlib returns the output as one chunk. A chunk that is filled exactly
    // makes it allocate another.
    const raw = inflateRawSync(bytes.subarray(start), { maxOutputLength: length, chunkSize: length + 64 })
    return raw.length === length ? new Uint8Array(raw.buffer, raw.byteOffset, length) : undefined
  } catch {
    return undefined
  }
}
