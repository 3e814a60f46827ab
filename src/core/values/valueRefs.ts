import type { ValueRef } from "./valueFile.js"
import { handleFile, handleLength } from "./valueHandle.js"

/** Counts the handles of a table, by the file that they lead to. */
export class ValueRefs {
  private counts = new Map<number, { readonly fileNumber: number; entries: number; bytes: number }>()

  /** Counts the handle at `bytes[at]`. */
  add(bytes: Uint8Array, at: number): void {
    const fileNumber = handleFile(bytes, at)
    let count = this.counts.get(fileNumber)
    if (count === undefined) {
      count = { fileNumber, entries: 0, bytes: 0 }
      this.counts.set(fileNumber, count)
    }
    count.entries++
    count.bytes += handleLength(bytes, at)
  }

  /** Returns the counts so far, by file number, and begins anew. */
  take(): ReadonlyArray<ValueRef> {
    const refs = [...this.counts.values()].sort((a, b) => a.fileNumber - b.fileNumber)
    this.counts = new Map()
    return refs
  }
}
