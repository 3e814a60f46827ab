import { deflateRawSync, inflateRawSync } from "node:zlib"
import { readVarint, varintEnd, varintLength, writeVarint } from "../bytes/encoding.js"

/** How a section of a table is stored. */
export type Codec = "none" | "deflate"

/** The byte that stands for a codec in a section's trailer. */
export const codecByte = { none: 0, deflate: 1 } as const satisfies Record<Codec, number>

/** The stream is set up anew for each block: a window no larger than the block and less memory halve the time of a block of 4 KiB. */
const deflateOptions = (length: number) => ({
  windowBits: Math.min(15, Math.max(9, 32 - Math.clz32(length - 1))),
  memLevel: 6
})
/** No deflate stream grows by more, so a length that claims it is damage and nothing is allocated for it. */
const largestRatio = 1032

/**
 * `bytes[0, length)` compressed, with `extra` bytes of room behind it; undefined where that would not save an eighth.
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

/** What was compressed; undefined where the bytes are no such thing. */
export const decompress = (bytes: Uint8Array): Uint8Array | undefined => {
  const length = readVarint(bytes, 0, bytes.length)
  if (length < 1) return undefined
  const start = varintEnd
  if (length > (bytes.length - start) * largestRatio) return undefined
  try {
    // With room to spare the output is one piece: a third of the time of a piece that is just filled.
    const raw = inflateRawSync(bytes.subarray(start), { maxOutputLength: length, chunkSize: length + 64 })
    return raw.length === length ? new Uint8Array(raw.buffer, raw.byteOffset, length) : undefined
  } catch {
    return undefined
  }
}
