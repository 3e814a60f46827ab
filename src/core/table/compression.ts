import * as zlib from "node:zlib"
import { readVarint, varintEnd, varintLength, writeVarint } from "../bytes/encoding.js"
import { decodeLz4, encodeLz4 } from "./lz4.js"

/** How a section of a table is compressed. */
export type Codec = "none" | "deflate" | "zstd" | "lz4"

const codecs: ReadonlyArray<Codec> = ["none", "deflate", "zstd", "lz4"]

/** A codec that changes its input. */
export type Compressed = Exclude<Codec, "none">

/** The byte that identifies a codec in a section's trailer. */
export const codecByte: Readonly<Record<Codec, number>> = { none: 0, deflate: 1, zstd: 2, lz4: 3 }

/** Returns undefined if no codec of this release has the byte. */
export const codecOf = (byte: number): Codec | undefined => codecs[byte]

/** The part of `node:zlib` that Node has from 22.15 on. */
interface Zstd {
  readonly zstdCompressSync: (bytes: Uint8Array, options: object) => Uint8Array
  readonly zstdDecompressSync: (bytes: Uint8Array, options: object) => Uint8Array
}

const zstd = zlib as unknown as Partial<Zstd>

/** Whether this runtime can read and write zstd. */
export const hasZstd = typeof zstd.zstdCompressSync === "function" && typeof zstd.zstdDecompressSync === "function"

/** What zstd needs, for the errors of a runtime that lacks it. */
export const zstdNeeds = "a runtime whose node:zlib has zstd, such as Node 22.15 or later"

/** The lowest level is as small as the default one for blocks of some KiB, and faster. */
const zstdOptions = { params: { [100 /* ZSTD_c_compressionLevel */]: 1 } }

/**
 * Each block needs a new stream, so set-up time counts. A window no larger than the block and a
 * lower memory level keep set-up short.
 */
const deflateOptions = (length: number) => ({
  windowBits: Math.min(15, Math.max(9, 32 - Math.clz32(length - 1))),
  memLevel: 6
})
/**
 * No codec can expand by more than this factor. A larger length is damage, and we must not allocate
 * memory for it. A block of zstd has at least 4 bytes and at most 128 KiB of content.
 */
const largestRatio = { deflate: 1032, zstd: 32 * 1024, lz4: 255 }

/**
 * Compresses `bytes[0, length)`. The result has `extra` bytes of room at the end. Returns undefined
 * if compression would save less than an eighth.
 *
 * ```
 * +--------------+---------------------------------------------+
 * | raw length v | raw deflate stream, zstd frame or lz4 block |
 * +--------------+---------------------------------------------+
 * ```
 */
export const compress = (
  codec: Compressed,
  bytes: Uint8Array,
  length: number,
  extra: number
): Uint8Array | undefined => {
  if (length < 32) return undefined
  if (codec === "lz4") return compressLz4(bytes, length, extra)
  const content = bytes.subarray(0, length)
  const stream =
    codec === "deflate"
      ? zlib.deflateRawSync(content, deflateOptions(length))
      : zstd.zstdCompressSync!(content, zstdOptions)
  const head = varintLength(length)
  if (head + stream.length > length - (length >>> 3)) return undefined
  const out = new Uint8Array(head + stream.length + extra)
  out.set(stream, writeVarint(out, 0, length))
  return out
}

const compressLz4 = (bytes: Uint8Array, length: number, extra: number): Uint8Array | undefined => {
  const head = varintLength(length)
  const block = encodeLz4(bytes, length, length - (length >>> 3) - head)
  if (block === undefined) return undefined
  const out = new Uint8Array(head + block.length + extra)
  out.set(block, writeVarint(out, 0, length))
  return out
}

/** Reverses `compress`. Returns undefined if the bytes are malformed. */
export const decompress = (codec: Compressed, bytes: Uint8Array): Uint8Array | undefined => {
  const raw = decompressBriefly(codec, bytes)
  return codec === "lz4" ? raw?.slice() : raw
}

/** The same. The result is valid until the next call. */
export const decompressBriefly = (codec: Compressed, bytes: Uint8Array): Uint8Array | undefined => {
  const length = readVarint(bytes, 0, bytes.length)
  if (length < 1) return undefined
  const start = varintEnd
  if (length > (bytes.length - start) * largestRatio[codec]) return undefined
  try {
    if (codec === "lz4") return decodeLz4(bytes, start, bytes.length, length)
    // With room to spare, zlib returns the output as one chunk. A chunk that is filled exactly
    // makes it allocate another.
    const options = { maxOutputLength: length, chunkSize: length + 64 }
    const stream = bytes.subarray(start)
    const raw = codec === "deflate" ? zlib.inflateRawSync(stream, options) : zstd.zstdDecompressSync!(stream, options)
    return raw.length === length ? new Uint8Array(raw.buffer, raw.byteOffset, length) : undefined
  } catch {
    return undefined
  }
}
