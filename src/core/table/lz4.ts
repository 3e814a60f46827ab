/**
 * The block format of LZ4 (Yann Collet, "LZ4 Block Format Description", lz4/lz4, doc/lz4_Block_format.md).
 * A block is a sequence of literals and of matches up to 64 KiB back.
 *
 * ```
 * +-----------------------------------+----------------+----------+----------+----------------+
 * | literals 4 bits, match - 4 4 bits | more literals  | literals | offset 2 | more of match  |
 * |               15: more follows    | 255: and again |          |          | 255: and again |
 * +-----------------------------------+----------------+----------+----------+----------------+
 * ```
 *
 * The last sequence ends with its literals.
 *
 * Bytes are copied eight at a time, through a DataView: that is three times as fast as one by one. The last
 * copy of a piece may write up to seven bytes too many, which the next piece overwrites.
 */

const leastMatch = 4
const farthest = 65_535
/** The last bytes of a block are literals, and no match starts in the last twelve. */
const lastLiterals = 5
const matchMargin = 12
/** Room for the bytes that a copy writes too many. */
const slack = 8

const hashBits = 11
/** Where four bytes with a hash were seen last, plus `base`. Places below `base` are of earlier blocks. */
const seenAt = new Int32Array(1 << hashBits)
let base = 1
const largestBase = 2 ** 30

interface Buffer {
  readonly bytes: Uint8Array
  readonly view: DataView
}

const bufferOf = (size: number): Buffer => {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Reused for every result. */
let kept = bufferOf(8 * 1024 + slack)
const largestKept = 256 * 1024

const bufferFor = (size: number): Buffer => {
  if (size <= kept.bytes.length) return kept
  const larger = bufferOf(Math.max(size, Math.min(2 * kept.bytes.length, largestKept)))
  if (size <= largestKept) kept = larger
  return larger
}

/** The view of the memory that was read last, unless that is large. */
let inputView = kept.view

const viewOf = ({ buffer }: Uint8Array): DataView => {
  if (inputView.buffer === buffer) return inputView
  const view = new DataView(buffer)
  if (buffer.byteLength <= largestKept) inputView = view
  return view
}

/**
 * Compresses `input[0, length)`, at most 1 GiB. Returns undefined if the block would be longer than `most`.
 * The result is valid until the next call.
 */
export const encodeLz4 = (input: Uint8Array, length: number, most: number): Uint8Array | undefined => {
  if (base + length > largestBase) {
    seenAt.fill(0)
    base = 1
  }
  const first = base
  base += length
  const { bytes: out, view: outView } = bufferFor(most + slack)
  const view = viewOf(input)
  const { byteOffset } = input
  const lastStart = length - matchMargin
  const matchEnd = length - lastLiterals
  let at = 0
  let anchor = 0
  let i = 0
  while (i <= lastStart) {
    const four = view.getInt32(byteOffset + i, true)
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - hashBits)
    const candidate = seenAt[slot]! - first
    seenAt[slot] = first + i
    if (candidate < 0 || i - candidate > farthest || view.getInt32(byteOffset + candidate, true) !== four) {
      // Goes faster through bytes that do not compress.
      i += 1 + ((i - anchor) >>> 4)
      continue
    }
    let start = i
    let from = candidate
    while (start > anchor && from > 0 && input[start - 1] === input[from - 1]) {
      start--
      from--
    }
    const offset = start - from
    let end = i + leastMatch
    while (
      end + 4 <= matchEnd &&
      view.getInt32(byteOffset + end, true) === view.getInt32(byteOffset + end - offset, true)
    ) {
      end += 4
    }
    while (end < matchEnd && input[end] === input[end - offset]) end++
    const literals = start - anchor
    const more = end - start - leastMatch
    // The token and the offset, beside the literals and the bytes of both lengths.
    if (at + 3 + literals + moreBytes(literals) + moreBytes(more) > most) return undefined
    out[at++] = (literals < 15 ? literals << 4 : 0xf0) | (more < 15 ? more : 15)
    if (literals >= 15) at = writeMore(out, at, literals - 15)
    const stop = at + literals
    for (let source = byteOffset + anchor; at < stop; at += 8, source += 8) {
      outView.setInt32(at, view.getInt32(source, true), true)
      outView.setInt32(at + 4, view.getInt32(source + 4, true), true)
    }
    at = stop
    out[at++] = offset
    out[at++] = offset >>> 8
    if (more >= 15) at = writeMore(out, at, more - 15)
    i = end
    anchor = end
  }
  const literals = length - anchor
  if (at + 1 + literals + moreBytes(literals) > most) return undefined
  out[at++] = literals < 15 ? literals << 4 : 0xf0
  if (literals >= 15) at = writeMore(out, at, literals - 15)
  out.set(input.subarray(anchor, length), at)
  return out.subarray(0, at + literals)
}

/** Bytes after the token that hold the rest of a length. */
const moreBytes = (length: number): number => (length < 15 ? 0 : 1 + Math.floor((length - 15) / 255))

const writeMore = (out: Uint8Array, at: number, rest: number): number => {
  while (rest >= 255) {
    out[at++] = 255
    rest -= 255
  }
  out[at++] = rest
  return at
}

/**
 * Returns the content of the block `bytes[at, end)`, or undefined if it is not a block of `length` bytes of
 * content. The result is valid until the next call.
 */
export const decodeLz4 = (bytes: Uint8Array, at: number, end: number, length: number): Uint8Array | undefined => {
  const { bytes: out, view: outView } = bufferFor(length + slack)
  const view = viewOf(bytes)
  const { byteOffset } = bytes
  /** Up to here, eight bytes can be read. */
  const lastRead = view.byteLength - byteOffset - 8
  let to = 0
  while (at < end) {
    const token = bytes[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (at >= end) return undefined
        more = bytes[at++]!
        literals += more
      }
    }
    const literalsEnd = at + literals
    const literalsStop = to + literals
    if (literalsEnd > end || literalsStop > length) return undefined
    if (literalsEnd <= lastRead) {
      for (let source = byteOffset + at; to < literalsStop; to += 8, source += 8) {
        outView.setInt32(to, view.getInt32(source, true), true)
        outView.setInt32(to + 4, view.getInt32(source + 4, true), true)
      }
    } else {
      while (to < literalsStop) out[to++] = bytes[at++]!
    }
    to = literalsStop
    at = literalsEnd
    if (at === end) return to === length ? out.subarray(0, length) : undefined
    if (at + 2 > end) return undefined
    const offset = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    if (offset === 0 || offset > to) return undefined
    let match = (token & 15) + leastMatch
    if (match === 15 + leastMatch) {
      let more = 255
      while (more === 255) {
        if (at >= end) return undefined
        more = bytes[at++]!
        match += more
      }
    }
    const stop = to + match
    if (stop > length) return undefined
    let from = to - offset
    if (offset >= 8) {
      for (; to < stop; to += 8, from += 8) {
        outView.setInt32(to, outView.getInt32(from, true), true)
        outView.setInt32(to + 4, outView.getInt32(from + 4, true), true)
      }
    } else {
      while (to < stop) out[to++] = out[from++]!
    }
    to = stop
  }
  return undefined
}
