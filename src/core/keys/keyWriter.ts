import { copyInto, copyRange, viewOf } from "../bytes/bytes.js"
import { code, escape } from "./element.js"
import { KeyFailure } from "./keyFailure.js"

/** A longer buffer is not kept for the next key. */
const longestKept = 64 * 1024

/** Writes the bytes of a key into a buffer, which it reuses for the next key. */
export class KeyWriter {
  private bytes = new Uint8Array(256)
  private view = viewOf(this.bytes)
  private length = 0

  /** Begins a key with bytes that stand as they are. */
  begin(prefix: Uint8Array): void {
    this.length = 0
    this.reserve(prefix.length)
    copyInto(prefix, 0, prefix.length, this.bytes, 0)
    this.length = prefix.length
  }

  /** Returns a copy of the key. */
  end(): Uint8Array {
    const key = copyRange(this.bytes, 0, this.length)
    if (this.bytes.length > longestKept) this.replace(new Uint8Array(256))
    return key
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Writes bytes as they are. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    copyInto(value, 0, value.length, this.bytes, this.length)
    this.length += value.length
  }

  /** Writes bytes, each zero byte followed by the escape, and a zero byte at the end. */
  escaped(value: Uint8Array): void {
    this.reserve(2 * value.length + 1)
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < value.length; i++) {
      const byte = value[i]!
      bytes[at++] = byte
      if (byte === 0) bytes[at++] = escape
    }
    bytes[at++] = 0
    this.length = at
  }

  /**
   * Writes the UTF-8 bytes of a string, escaped as above. Encoded here, and not by `TextEncoder`,
   * because that takes longer for short strings and replaces lone surrogates.
   */
  text(value: string): void {
    this.reserve(3 * value.length + 1)
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit < 0x80) {
        bytes[at++] = unit
        if (unit === 0) bytes[at++] = escape
      } else if (unit < 0x800) {
        bytes[at++] = 0xc0 | (unit >>> 6)
        bytes[at++] = 0x80 | (unit & 0x3f)
      } else if (unit < 0xd800 || unit > 0xdfff) {
        bytes[at++] = 0xe0 | (unit >>> 12)
        bytes[at++] = 0x80 | ((unit >>> 6) & 0x3f)
        bytes[at++] = 0x80 | (unit & 0x3f)
      } else {
        const low = unit < 0xdc00 && i + 1 < value.length ? value.charCodeAt(++i) : 0
        if (low < 0xdc00 || low > 0xdfff) {
          throw new KeyFailure("a string with a lone surrogate has no UTF-8 encoding")
        }
        const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
        bytes[at++] = 0xf0 | (point >>> 18)
        bytes[at++] = 0x80 | ((point >>> 12) & 0x3f)
        bytes[at++] = 0x80 | ((point >>> 6) & 0x3f)
        bytes[at++] = 0x80 | (point & 0x3f)
      }
    }
    bytes[at++] = 0
    this.length = at
  }

  /**
   * Writes a double with the highest byte first. Its bits order positive numbers; those of negative
   * numbers are inverted, and the sign of the others is.
   */
  double(value: number): void {
    if (Number.isNaN(value)) throw new KeyFailure("NaN has no place in the order of numbers")
    this.reserve(9)
    const { length, view } = this
    view.setUint8(length, code.double)
    // Adding 0 makes -0 0.
    view.setFloat64(length + 1, value + 0)
    const high = view.getInt32(length + 1)
    if (high < 0) {
      view.setInt32(length + 1, ~high)
      view.setInt32(length + 5, ~view.getInt32(length + 5))
    } else {
      view.setUint32(length + 1, (high | 0x80000000) >>> 0)
    }
    this.length += 9
  }

  /** Writes the milliseconds of a date as a signed integer whose sign bit is inverted. */
  date(value: Date): void {
    const time = value.getTime()
    if (Number.isNaN(time)) throw new KeyFailure("an invalid Date has no place in the order of dates")
    this.reserve(9)
    this.view.setUint8(this.length, code.date)
    this.view.setInt32(this.length + 1, Math.floor(time / 2 ** 32) ^ 0x80000000)
    this.view.setInt32(this.length + 5, time % 2 ** 32)
    this.length += 9
  }

  /** Writes the lowest `length` bytes of a number up to 2^64 - 1, given in halves, each byte xor `flip`. */
  magnitude(high: number, low: number, length: number, flip: number): void {
    this.reserve(length)
    for (let i = length - 1; i >= 0; i--) {
      this.bytes[this.length++] = ((i >= 4 ? high >>> (8 * (i - 4)) : low >>> (8 * i)) & 0xff) ^ flip
    }
  }

  private reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.replace(larger)
  }

  private replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
  }
}
