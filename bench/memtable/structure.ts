/** What every structure offers: the engine's memtable without its versions. */
export interface Structure {
  /** Takes a copy of the key `bytes[keyStart, keyEnd)` and of the value `bytes[keyEnd, valueEnd)`. */
  insert(sequence: number, bytes: Buffer, keyStart: number, keyEnd: number, valueEnd: number): void
  /** The sequence number of the key's entry, or -1. */
  find(key: Buffer): number
  /** Every entry in key order; answers what `visit` would sum up: the first byte of each value. */
  walk(): number
}
