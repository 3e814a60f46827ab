/**
 * Fixed-width little-endian integers and LEB128 varints up to 2^53 - 1, read and written in place.
 *
 * `readVarint` stores the position after the number in `varintEnd`, a module variable, to avoid
 * allocating a result. It returns -1 for a varint that runs past `end`, has more than eight bytes,
 * or exceeds 2^53 - 1.
 */
export let varintEnd = 0

export const readVarint = (bytes: Uint8Array, position: number, end: number): number => {
  let value = 0
  let scale = 1
  for (let i = 0; i < 8; i++) {
    if (position >= end) return -1
    const byte = bytes[position++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      varintEnd = position
      return value <= Number.MAX_SAFE_INTEGER ? value : -1
    }
    scale *= 128
  }
  return -1
}

/** Writes `value` at `position` and returns the position after it. */
export const writeVarint = (bytes: Uint8Array, position: number, value: number): number => {
  while (value >= 0x80) {
    bytes[position++] = (value % 128) | 0x80
    value = Math.floor(value / 128)
  }
  bytes[position++] = value
  return position
}

export const varintLength = (value: number): number => {
  let length = 1
  while (value >= 0x80) {
    value = Math.floor(value / 128)
    length++
  }
  return length
}

export const readU32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

export const writeU32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export const readU16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8)

export const writeU16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

/**
 * 48 bits are exact in a double, and enough for offsets up to 281 TB and for 281 trillion sequence
 * numbers.
 */
export const readU48 = (bytes: Uint8Array, at: number): number => readU32(bytes, at) + readU16(bytes, at + 4) * 2 ** 32

export const writeU48 = (bytes: Uint8Array, at: number, value: number): void => {
  writeU32(bytes, at, value >>> 0)
  writeU16(bytes, at + 4, Math.floor(value / 2 ** 32))
}

export const maxU48 = 2 ** 48 - 1
