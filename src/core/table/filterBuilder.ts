import BloomFilters from "bloom-filters"
import { goldenRatio, lineBits, lineOf } from "./lineFilter.js"

// The package is CommonJS, and Node's ESM loader does not detect its named exports.
const { BitSet, BloomFilter, Hashing } = BloomFilters

/** The two hashes of a key. */
export interface Hashes {
  readonly hash1: number
  readonly hash2: number
}

/**
 * Replaces the package's hashing, which serializes and hashes each element twice and is much
 * slower. Our elements are hashed already. All indexes of an element are in one line (see
 * lineFilter.ts).
 */
class LineHashing extends Hashing {
  /** Reused by each call. */
  private readonly indexes: Array<number> = []

  override getIndexes(element: unknown, size: number, hashCount: number): Array<number> {
    const { hash1, hash2 } = element as Hashes
    const { indexes } = this
    indexes.length = hashCount
    const line = lineOf(hash1, size / lineBits) * lineBits
    let h = hash2 | 0
    for (let i = 0; i < hashCount; i++) {
      indexes[i] = line + (h >>> 23)
      h = Math.imul(h, goldenRatio)
    }
    return indexes
  }
}

const lineHashing = new LineHashing()

/** The package's Bloom filter over keys that are hashed already. Its elements are `Hashes`. */
export class KeyFilter extends BloomFilter {
  /** `create` calls this with the optimal size and number of hashes. */
  constructor(
    readonly bits: number,
    readonly hashCount: number
  ) {
    super(Math.max(1, Math.ceil(bits / lineBits)) * lineBits, hashCount)
    this._hashing = lineHashing
  }
}

/** A finished filter: whole lines. */
export interface FilterLines {
  readonly bytes: Uint8Array
  readonly hashCount: number
}

/**
 * Builds a filter. The package provides the size, the number of hashes and the bit set. A
 * `KeyFilter` would have the same bits, but exports them only as base64, which is slow.
 */
export class FilterBuilder {
  private readonly bits: InstanceType<typeof BitSet>
  private readonly hashCount: number

  /** An empty filter for `keys` keys with at most this false-positive rate. */
  constructor(keys: number, falsePositiveRate: number) {
    const filter = KeyFilter.create(Math.max(1, keys), packageRate(falsePositiveRate)) as KeyFilter
    this.bits = new BitSet(filter.size)
    this.hashCount = filter.hashCount
  }

  add(key: Hashes): void {
    const { bits } = this
    const indexes = lineHashing.getIndexes(key, bits.size, this.hashCount)
    for (let i = 0; i < indexes.length; i++) bits.add(indexes[i]!)
  }

  /** Returns the filter of the keys added. It shares the builder's bits. */
  build(): FilterLines {
    return { bytes: this.bits.array, hashCount: this.hashCount }
  }
}

const rates = new Map<number, number>()

/**
 * The rate to ask the package for. Lines are not filled evenly, so a filter of lines has more false
 * positives than the package expects of its size.
 */
export const packageRate = (wanted: number): number => {
  let rate = rates.get(wanted)
  if (rate === undefined) {
    rate = wanted
    for (;;) {
      const filter = KeyFilter.create(sample, rate) as KeyFilter
      if (lineRate(filter.bits / sample, filter.hashCount) <= wanted || rate < least) break
      rate *= 0.9
    }
    rates.set(wanted, rate)
  }
  return rate
}

/** Keys for which the package is asked about its sizes. */
const sample = 1_000_000
const least = 1e-12

/**
 * The false-positive rate of a filter of many lines: the mean over the number of keys in a line,
 * which has a Poisson distribution.
 */
const lineRate = (bitsPerKey: number, hashCount: number): number => {
  const mean = lineBits / bitsPerKey
  const most = mean + 12 * Math.sqrt(mean) + 12
  let probability = Math.exp(-mean)
  let rate = 0
  for (let keys = 0; keys <= most; keys++) {
    rate += probability * (1 - (1 - 1 / lineBits) ** (keys * hashCount)) ** hashCount
    probability *= mean / (keys + 1)
  }
  return rate
}
