import { type Data, keySize, makeData, makeKeys, makeRandom, randomBytes, valueSize } from "./data.js"

/** Keys and values by index; the same for every store. */
export interface Entries {
  /** Different for entries that differ. */
  readonly name: string
  readonly count: number
  readonly keyAt: (index: number) => Uint8Array
  readonly valueAt: (index: number) => Uint8Array
  readonly valueSize: number
}

const fromArrays = (kind: string, { keys, values }: Data, valueSize: number): Entries => ({
  name: `${kind} ${keys.length}`,
  count: keys.length,
  keyAt: (i) => keys[i]!,
  valueAt: (i) => values[i]!,
  valueSize
})

/** Random keys and values, made in advance. */
export const randomEntries = (count: number): Entries => fromArrays("random", makeData(count), valueSize)

/** The same entries for a process that only reads them: it holds only the keys. */
export const randomKeys = (count: number): Entries =>
  fromArrays("random", { keys: makeKeys(count), values: [] }, valueSize)

/** The first entries. Random entries begin alike, however many there are. */
export const firstEntries = (entries: Entries, count: number): Entries => ({
  ...entries,
  name: `random ${count}`,
  count
})

/** The same keys with other values. */
export const rewritten = (entries: Entries): Entries => ({
  ...entries,
  name: `${entries.name} rewritten`,
  valueAt: (i) => entries.valueAt(entries.count - 1 - i)
})

const pooledValues = (size: number, seed: number) => {
  const step = 64
  const places = 16_384
  const pool = randomBytes(places * step + size, seed)
  return (i: number) => {
    const at = (Math.imul(i, 0x9e3779b1) >>> 18) * step
    return pool.subarray(at, at + size)
  }
}

/** Random keys whose views are made on demand, and values from a pool of 1 MiB, to save memory. */
export const largeEntries = (count: number, size = valueSize): Entries => {
  const keys = randomBytes(count * keySize, 1)
  return {
    name: `large ${count} ${size}`,
    count,
    keyAt: (i) => keys.subarray(i * keySize, (i + 1) * keySize),
    valueAt: pooledValues(size, 2),
    valueSize: size
  }
}

/** The finalizer of MurmurHash3 (A. Appleby, public domain): different numbers stay different. */
const scattered = (number: number): number => {
  let h = number
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Random keys that are computed on demand and take no memory, and values from a pool. */
export const computedEntries = (count: number): Entries => ({
  name: `computed ${count}`,
  count,
  keyAt: (i) => {
    const key = Buffer.allocUnsafe(keySize)
    for (let at = 0; at < keySize; at += 4) key.writeUInt32LE(scattered(i ^ Math.imul(at, 0x9e3779b1)), at)
    return key
  },
  valueAt: pooledValues(valueSize, 2),
  valueSize
})

/** Keys that no store of random entries has. */
export const missingKeys = (count: number): Entries => {
  const keys = randomBytes(count * keySize, 7)
  return {
    name: `missing ${count}`,
    count,
    keyAt: (i) => keys.subarray(i * keySize, (i + 1) * keySize),
    valueAt: () => keys,
    valueSize: 0
  }
}

/** Keys that count up in sixteen digits, as in db_bench. */
export const sequentialEntries = (count: number): Entries => {
  const keys = Array.from({ length: count }, (_, i) => Buffer.from(String(i).padStart(keySize, "0")))
  return { ...randomEntries(count), name: `sequential ${count}`, keyAt: (i) => keys[i]! }
}

/** Half-redundant values, as in db_bench: fifty random bytes, twice. */
export const compressibleEntries = (count: number): Entries => {
  const { keys, values } = makeData(count)
  for (const value of values) value.copyWithin(valueSize / 2, 0, valueSize / 2)
  return fromArrays("compressible", { keys, values }, valueSize)
}

/** The numbers from 0 up to `count` in random order. */
export const permutation = (count: number, seed: number): Uint32Array => {
  const random = makeRandom(seed)
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random() % (i + 1)
    const index = order[i]!
    order[i] = order[j]!
    order[j] = index
  }
  return order
}

/** `length` random indexes below `count`. */
export const draws = (length: number, count: number, seed: number): Uint32Array => {
  const random = makeRandom(seed)
  return Uint32Array.from({ length }, () => random() % count)
}
