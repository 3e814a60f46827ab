import { encodeUtf8Into, illFormed } from "./bytes.js"
import { hash, secondHash } from "./hash.js"

/** The longest key that a store accepts, in bytes. */
export const longestKey = 64 * 1024

/**
 * The key of one lookup, `bytes[0, length)`, with its hashes. Use it synchronously: the store's
 * next lookup overwrites it.
 */
export interface LookupKey {
  readonly bytes: Uint8Array
  readonly length: number
  readonly hash1: number
  readonly hash2: number
}

/**
 * A lookup key that is encoded and hashed once for all memtables and filters. A store has one and
 * sets it for each lookup.
 */
export class ReusableLookupKey implements LookupKey {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0
  hash1 = 0
  hash2 = 0
  private scratch: Uint8Array = this.bytes

  /**
   * Sets the key, which must not be longer than `longestKey`. For an ill-formed string `length`
   * becomes `illFormed` and the other fields are meaningless.
   */
  set(key: Uint8Array | string): this {
    if (typeof key === "string") {
      if (key.length * 3 > this.scratch.length) this.scratch = new Uint8Array(key.length * 3)
      this.length = encodeUtf8Into(key, this.scratch, 0)
      if (this.length === illFormed) return this
      this.bytes = this.scratch
    } else {
      this.bytes = key
      this.length = key.length
    }
    this.hash1 = hash(this.bytes, 0, this.length)
    this.hash2 = secondHash
    return this
  }
}
