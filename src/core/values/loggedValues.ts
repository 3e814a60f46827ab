import type { StorageFile } from "../storage/storageDriver.js"

/** Sequence numbers and places are kept as differences of 32 bits. */
const mostKept = 2 ** 32

/**
 * The places of large values in one log segment, and their checksums, so that a flush can make
 * handles to them without reading the segment.
 */
export interface LoggedValues {
  readonly segment: number
  /** Bytes of the segment's file. */
  readonly size: number
  /** Whether the places of all large values are known. */
  readonly isComplete: boolean
  /**
   * The index of the value with this sequence number.
   *
   * @throws Error if there is none
   */
  indexOf(sequence: number): number
  /** The place of a value in the file. */
  offsetAt(index: number): number
  /** The checksum of a value, as in its handle. */
  checksumAt(index: number): number
}

/** Gathers the places, in the order of the sequence numbers. Takes 12 bytes a value. */
export class SegmentValues implements LoggedValues {
  private sequences = new Uint32Array(16)
  private offsets = new Uint32Array(16)
  private checksums = new Uint32Array(16)
  private count = 0
  private firstSequence = 0
  isComplete = true
  size = 0

  constructor(readonly segment: number) {}

  /** `crc` is the checksum of the value, seeded with its place. */
  add(sequence: number, offset: number, crc: number): void {
    const { count } = this
    if (count === 0) this.firstSequence = sequence
    if (sequence - this.firstSequence >= mostKept || offset >= mostKept) {
      this.isComplete = false
      return
    }
    if (count === this.sequences.length) this.grow()
    this.sequences[count] = sequence - this.firstSequence
    this.offsets[count] = offset
    this.checksums[count] = crc
    this.count++
  }

  /** Ends the segment. Nothing is added to it after that, but its file may end with zeros. */
  finish(file: StorageFile): void {
    try {
      this.size = file.size()
    } catch {
      this.isComplete = false
    }
  }

  indexOf(sequence: number): number {
    const wanted = sequence - this.firstSequence
    let from = 0
    let to = this.count
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.sequences[middle]! < wanted) from = middle + 1
      else to = middle
    }
    if (from === this.count || this.sequences[from] !== wanted) throw new Error("a value has no place in the log")
    return from
  }

  offsetAt(index: number): number {
    return this.offsets[index]!
  }

  checksumAt(index: number): number {
    return this.checksums[index]!
  }

  private grow(): void {
    this.sequences = enlarged(this.sequences)
    this.offsets = enlarged(this.offsets)
    this.checksums = enlarged(this.checksums)
  }
}

const enlarged = (from: Uint32Array) => {
  const to = new Uint32Array(from.length * 2)
  to.set(from)
  return to
}
