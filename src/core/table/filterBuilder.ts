import BloomFilters from "bloom-filters"
import { TableFilter } from "./filter.js"

// The package is CommonJS, and Node's ESM loader does not detect its named exports.
const { BitSet, BloomFilter, Hashing } = BloomFilters

/** The two hashes of a key. */
export interface Hashes {
  readonly hash1: number
  readonly hash2: number
}

/**
 * Replaces the package's hashing, which serializes and hashes each element twice and is much
 * slower. Our elements are hashed already. Enhanced double hashing (Dillinger and Manolios, 2004)
 * derives the indexes from the two hashes.
 */
class KeyHashing extends Hashing {
  /** Reused by each call. */
  private readonly indexes: Array<number> = []

  override getIndexes(element: unknown, size: number, hashCount: number): Array<number> {
    const { hash1, hash2 } = element as Hashes
    const { indexes } = this
    indexes.length = hashCount
    let a = hash1
    let b = hash2
    for (let i = 0; i < hashCount; i++) {
      indexes[i] = a % size
      a = (a + b) >>> 0
      b = (b + i + 1) >>> 0
    }
    return indexes
  }
}

const keyHashing = new KeyHashing()

/** The package's Bloom filter over keys that are hashed already. Its elements are `Hashes`. */
export class KeyFilter extends BloomFilter {
  /** `create` calls this with the optimal size and number of hashes. */
  constructor(
    size: number,
    readonly hashCount: number
  ) {
    super(size, hashCount)
    this._hashing = keyHashing
  }
}

/**
 * Builds a table's filter. The package provides the size, the number of hashes and the bit set. A
 * `KeyFilter` would have the same bits, but exports them only as base64, which is slow.
 */
export class FilterBuilder {
  private readonly bits: InstanceType<typeof BitSet>
  private readonly size: number
  private readonly hashCount: number

  /** An empty filter for `keys` keys, optimal for the false-positive rate. */
  constructor(keys: number, falsePositiveRate: number) {
    const { size, hashCount } = KeyFilter.create(Math.max(1, keys), falsePositiveRate) as KeyFilter
    this.size = size
    this.hashCount = hashCount
    this.bits = new BitSet(size)
  }

  add(key: Hashes): void {
    const { bits } = this
    const indexes = keyHashing.getIndexes(key, this.size, this.hashCount)
    for (let i = 0; i < indexes.length; i++) bits.add(indexes[i]!)
  }

  /** Returns the filter of the keys added. It shares the builder's bits. */
  build(): TableFilter {
    return new TableFilter(this.size, this.hashCount, this.bits.array)
  }
}
