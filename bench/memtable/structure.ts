/** The interface of all structures: a memtable without versions. */
export interface Structure {
  /** Copies the key `bytes[keyStart, keyEnd)` and the value `bytes[keyEnd, valueEnd)`. */
  insert(sequence: number, bytes: Buffer, keyStart: number, keyEnd: number, valueEnd: number): void
  /** Returns the sequence number of the key's entry, or -1. */
  find(key: Buffer): number
  /** Visits all entries in key order. Returns the sum of the first bytes of all values. */
  walk(): number
}
