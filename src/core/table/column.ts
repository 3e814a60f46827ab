import { writeU16 } from "../bytes/encoding.js"

/**
 * The width in bytes (0, 1, 2, 3, 4 or 6) of a column whose numbers span `range`.
 *
 * A column holds unsigned integers. Each is stored as its distance from the column's base, in as
 * many bytes as the largest distance needs. A column of equal numbers takes no space. This is frame
 * of reference coding: Goldstein, Ramakrishnan and Shaft, "Compressing Relations and Indexes", ICDE
 * 1998.
 */
export const columnWidth = (range: number): number => {
  if (range < 2 ** 16) return range === 0 ? 0 : range < 2 ** 8 ? 1 : 2
  return range < 2 ** 24 ? 3 : range < 2 ** 32 ? 4 : 6
}

/** Returns the number at `index`, as its distance from the base. */
export const readColumn = (bytes: Uint8Array, start: number, width: number, index: number): number => {
  switch (width) {
    case 0:
      return 0
    case 1:
      return bytes[start + index]!
    case 2: {
      const at = start + index * 2
      return bytes[at]! | (bytes[at + 1]! << 8)
    }
    case 3: {
      const at = start + index * 3
      return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    }
    default: {
      const at = start + index * width
      const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
      return width === 4 ? low : low + (bytes[at + 4]! | (bytes[at + 5]! << 8)) * 2 ** 32
    }
  }
}

/** Returns the sum of the distances at `[from, to)`. */
export const sumColumn = (bytes: Uint8Array, start: number, width: number, from: number, to: number): number => {
  let sum = 0
  if (width === 1) for (let i = start + from; i < start + to; i++) sum += bytes[i]!
  else if (width > 0) for (let i = from; i < to; i++) sum += readColumn(bytes, start, width, i)
  return sum
}

/** Collects the numbers of a column. */
export class ColumnBuilder {
  private values = new Float64Array(64)
  private count = 0
  private smallest = Number.POSITIVE_INFINITY
  private largest = 0
  /** The width of the column if it were written now. */
  width = 0

  get base(): number {
    return this.count === 0 ? 0 : this.smallest
  }

  add(value: number): void {
    if (this.count === this.values.length) this.grow()
    this.values[this.count++] = value
    if (value >= this.smallest && value <= this.largest) return
    if (value < this.smallest) this.smallest = value
    if (value > this.largest) this.largest = value
    this.width = columnWidth(this.largest - this.smallest)
  }

  /** Writes the column at `at` and returns the position after it. */
  write(bytes: Uint8Array, at: number): number {
    const { base, width, values, count } = this
    switch (width) {
      case 0:
        return at
      case 1:
        for (let i = 0; i < count; i++) bytes[at++] = values[i]! - base
        return at
      default:
        for (let i = 0; i < count; i++) {
          const distance = values[i]! - base
          const low = distance >>> 0
          bytes[at] = low
          bytes[at + 1] = low >>> 8
          if (width > 2) bytes[at + 2] = low >>> 16
          if (width > 3) bytes[at + 3] = low >>> 24
          if (width > 4) writeU16(bytes, at + 4, Math.floor(distance / 2 ** 32))
          at += width
        }
        return at
    }
  }

  clear(): void {
    if (this.count > keptNumbers) this.values = new Float64Array(64)
    this.count = 0
    this.smallest = Number.POSITIVE_INFINITY
    this.largest = 0
    this.width = 0
  }

  private grow(): void {
    const larger = new Float64Array(this.values.length * 2)
    larger.set(this.values)
    this.values = larger
  }
}

/** `clear` releases the memory of a column that has grown beyond this. */
const keptNumbers = 64 * 1024
