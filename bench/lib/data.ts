export const keySize = 16
export const valueSize = 100

/** Pseudorandom numbers, the same for the same seed: mulberry32 (T. Ettinger, public domain). */
export const makeRandom = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}

export interface Data {
  readonly keys: ReadonlyArray<Uint8Array>
  readonly values: ReadonlyArray<Uint8Array>
}

/** Consecutive views of `size` bytes each in one buffer. */
const slices = (count: number, size: number, bytes: Buffer): Array<Uint8Array> =>
  Array.from({ length: count }, (_, i) => Buffer.from(bytes.buffer, bytes.byteOffset + i * size, size))

export const randomBytes = (length: number, seed: number): Buffer => {
  const random = makeRandom(seed)
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let i = 0; i < words.length; i++) words[i] = random()
  return Buffer.from(words.buffer)
}

/** Random keys, in the order in which every store gets them. */
export const makeKeys = (count: number): Array<Uint8Array> => slices(count, keySize, randomBytes(count * keySize, 1))

/** The same keys with random, incompressible values. */
export const makeData = (count: number): Data => ({
  keys: makeKeys(count),
  values: slices(count, valueSize, randomBytes(count * valueSize, 2))
})

/** Keys that count up, such as `user:00000000042`, and numbers of eight bytes. */
export const makeCountedData = (count: number): Data => {
  const random = makeRandom(3)
  return {
    keys: Array.from({ length: count }, (_, i) => Buffer.from(`user:${String(i).padStart(11, "0")}`)),
    values: Array.from({ length: count }, () => {
      const value = Buffer.alloc(8)
      value.writeDoubleLE(random() % 100_000)
      return value
    })
  }
}

/** The items in another order, the same for the same seed. */
export const shuffled = <A>(items: ReadonlyArray<A>, seed: number): Array<A> => {
  const random = makeRandom(seed)
  const out = items.slice()
  for (let i = out.length - 1; i > 0; i--) {
    const j = random() % (i + 1)
    const item = out[i]!
    out[i] = out[j]!
    out[j] = item
  }
  return out
}
