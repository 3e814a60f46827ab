/** More than this is not kept. */
const mostKept = 1024 * 1024

/** Memory for one value after another, so that none needs memory of its own. */
export class ReusedMemory {
  private bytes = new Uint8Array(256)

  /** Returns `length` bytes with any content. They are good until the next call. */
  take(length: number): Uint8Array {
    if (length > mostKept) return new Uint8Array(length)
    if (length > this.bytes.length) this.bytes = new Uint8Array(Math.min(mostKept, length * 2))
    return this.bytes.subarray(0, length)
  }
}
