import { code, deepest, escape, type KeyElement, latestTime } from "./element.js"
import { integerEnd, readInteger } from "./integers.js"
import { KeyFailure } from "./keyFailure.js"
import { Uuid } from "./uuid.js"

/**
 * The tuple whose encoding is `bytes[start, end)`. Throws `KeyFailure` for all other bytes, also for
 * those that hold a value in another form: bytes that can be decoded are those that `encodeTuple`
 * returns for the result.
 */
export const decodeTuple = (bytes: Uint8Array, start = 0, end = bytes.length): Array<KeyElement> => {
  const reader = new KeyReader(bytes, start, end)
  const tuple: Array<KeyElement> = []
  while (!reader.isAtEnd) tuple.push(reader.element(0))
  return tuple
}

/** The first element of a tuple, whatever follows it. Throws `KeyFailure` if there is none. */
export const decodeFirst = (bytes: Uint8Array, start: number): KeyElement => {
  const reader = new KeyReader(bytes, start, bytes.length)
  if (reader.isAtEnd) throw new KeyFailure("no element", start)
  return reader.element(0)
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
/** Up to this many bytes of ASCII, joining characters is faster than a call of the decoder. */
const shortText = 32

const double = new DataView(new ArrayBuffer(8))

class KeyReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.end
  }

  element(depth: number): KeyElement {
    const start = this.at
    const first = this.bytes[start]!
    switch (first) {
      case code.null:
        this.at++
        return null
      case code.bytes:
        return this.byteString()
      case code.string:
        return this.string()
      case code.tuple:
        return this.tuple(depth + 1)
      case code.double:
        return this.double()
      case code.false:
      case code.true:
        this.at++
        return first === code.true
      case code.uuid:
        return new Uuid(this.bytes.subarray(this.advance(16), this.at))
      case code.date:
        return this.date()
    }
    if (first < code.hugeNegative || first > code.hugePositive) throw new KeyFailure("unknown type", start)
    const integer = readInteger(this.bytes, start, this.end)
    this.at = integerEnd
    return integer
  }

  /** Moves past a code and `length` bytes. Returns the place of the first of these bytes. */
  private advance(length: number): number {
    const start = this.at + 1
    if (length > this.end - start) throw new KeyFailure("an element is cut off", this.at)
    this.at = start + length
    return start
  }

  /** The place of the zero byte that ends the bytes from `start` on. Counts the zero bytes before it. */
  private terminator(start: number): number {
    const { bytes, end } = this
    this.zeros = 0
    this.isAscii = true
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if (byte >= 0x80) this.isAscii = false
      if (byte !== 0) continue
      if (i + 1 >= end || bytes[i + 1] !== escape) return i
      this.zeros++
      i++
    }
    throw new KeyFailure("bytes or a string without an end", this.at)
  }
  private zeros = 0
  private isAscii = true

  /** A copy of `bytes[start, end)` without the escapes that `terminator` has counted. */
  private unescaped(start: number, end: number): Uint8Array {
    const { bytes, zeros } = this
    if (zeros === 0) return bytes.slice(start, end)
    const copy = new Uint8Array(end - start - zeros)
    for (let from = start, to = 0; from < end; from++) {
      const byte = bytes[from]!
      copy[to++] = byte
      if (byte === 0) from++
    }
    return copy
  }

  private byteString(): Uint8Array {
    const start = this.at + 1
    const end = this.terminator(start)
    this.at = end + 1
    return this.unescaped(start, end)
  }

  private string(): string {
    const start = this.at + 1
    const end = this.terminator(start)
    const { bytes, isAscii, zeros } = this
    if (isAscii && zeros === 0 && end - start <= shortText) {
      let text = ""
      for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
      this.at = end + 1
      return text
    }
    try {
      const text = decoder.decode(zeros === 0 ? bytes.subarray(start, end) : this.unescaped(start, end))
      this.at = end + 1
      return text
    } catch {
      throw new KeyFailure("a string that is not UTF-8", this.at)
    }
  }

  private tuple(depth: number): Array<KeyElement> {
    const start = this.at++
    if (depth > deepest) throw new KeyFailure(`tuples are nested more than ${deepest} deep`, start)
    const tuple: Array<KeyElement> = []
    while (this.at < this.end) {
      if (this.bytes[this.at] !== 0) {
        tuple.push(this.element(depth))
      } else if (this.at + 1 < this.end && this.bytes[this.at + 1] === escape) {
        tuple.push(null)
        this.at += 2
      } else {
        this.at++
        return tuple
      }
    }
    throw new KeyFailure("a tuple without an end", start)
  }

  private double(): number {
    const code = this.at
    const start = this.advance(8)
    const flip = this.bytes[start]! < 0x80 ? 0xff : 0
    for (let i = 0; i < 8; i++) double.setUint8(i, this.bytes[start + i]! ^ flip)
    if (flip === 0) double.setUint8(0, double.getUint8(0) ^ 0x80)
    const value = double.getFloat64(0)
    if (Number.isNaN(value) || Object.is(value, -0)) throw new KeyFailure("NaN or -0", code)
    return value
  }

  private date(): Date {
    const code = this.at
    const start = this.advance(8)
    const time = (this.word(start) - 2 ** 31) * 2 ** 32 + this.word(start + 4)
    if (Math.abs(time) > latestTime) throw new KeyFailure("a time that no Date can hold", code)
    return new Date(time)
  }
  /** Four bytes as a number. Without a view, which takes longer to make than to use. */
  private word(start: number): number {
    const { bytes } = this
    return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0
  }
}
