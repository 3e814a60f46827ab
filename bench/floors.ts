/**
 * What a store in JavaScript cannot go below on this machine: the calls of Node that reading and
 * writing a value takes, by themselves, beside whole gets and puts of LMDB; and the first program of
 * Effect in a process, with a Layer of nothing.
 *
 * `npm --prefix bench run floors`
 */
import { execFileSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readSync, rmSync, unlinkSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { lmdb } from "./peers/lmdb.js"

const KiB = 1024
const bytesOfValues = 128 * KiB * KiB
const rounds = 5

/** Places in an order that no cache of the processor follows. */
const scattered = (count: number): Int32Array => {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  let state = 12345
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = state % (i + 1)
    const other = order[i]!
    order[i] = order[j]!
    order[j] = other
  }
  return order
}

const keyOf = (i: number): Uint8Array => {
  const key = new Uint8Array(16)
  new DataView(key.buffer).setUint32(12, i)
  return key
}

/** Microseconds of one of `count` operations. */
const timed = (count: number, operate: () => void): number => {
  const begin = performance.now()
  operate()
  return ((performance.now() - begin) * 1000) / count
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

type Figures = Record<string, number>

const ofFiles = (directory: string, size: number, order: Int32Array): Figures => {
  const path = join(directory, "values")
  const count = order.length
  const value = crypto.getRandomValues(new Uint8Array(Math.min(size, 64 * KiB)))
  const file = openSync(path, "w+")
  const write = timed(count, () => {
    for (let i = 0; i < count; i++) writeSync(file, value, 0, size, i * size)
  })
  const reused = new Uint8Array(size)
  const read = timed(count, () => {
    for (const i of order) readSync(file, reused, 0, size, i * size)
  })
  const checked = timed(count, () => {
    for (const i of order) {
      readSync(file, reused, 0, size, i * size)
      crc32(reused)
    }
  })
  const owned = timed(count, () => {
    for (const i of order) {
      const own = new Uint8Array(size)
      readSync(file, own, 0, size, i * size)
      crc32(own)
    }
  })
  const checksum = timed(count, () => {
    for (let i = 0; i < count; i++) crc32(value)
  })
  closeSync(file)
  unlinkSync(path)
  return { read, "+ checksum": checked, "+ own memory": owned, write, "write + checksum": write + checksum }
}

const ofLmdb = async (directory: string, size: number, order: Int32Array): Promise<Figures> => {
  const settings = { durability: "buffered", cacheBytes: 0, writeBufferBytes: 0, compression: false } as const
  const { sync, close } = await lmdb.open(directory, settings)
  const keys = Array.from(order, keyOf)
  const value = crypto.getRandomValues(new Uint8Array(Math.min(size, 64 * KiB)))
  const put = timed(order.length, () => {
    for (const key of keys) sync.put!(key, value)
  })
  const get = timed(order.length, () => {
    for (const i of order) sync.get!(keys[i]!)
  })
  await close()
  return { "LMDB get": get, "LMDB put": put }
}

/** Milliseconds of a first program with a Layer that acquires and releases nothing. */
const emptyLayer = (directory: string, layer: string): number => {
  const program = `
    import * as Effect from "effect/Effect"
    import * as Layer from "effect/Layer"
    const begin = performance.now()
    const nothing = Layer.${layer}(Effect.acquireRelease(Effect.void, () => Effect.void))
    await Effect.runPromise(Effect.provide(Effect.void, nothing))
    console.log(performance.now() - begin)`
  const run = () => Number(execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: directory }))
  return median(Array.from({ length: 9 }, run))
}

const root = join(import.meta.dirname, "..")
console.log("a first program with an empty Layer, ms:", {
  "Effect 3": emptyLayer(root, "scopedDiscard").toFixed(1),
  "Effect 4": emptyLayer(join(root, "editions", "effect4"), "effectDiscard").toFixed(1)
})

for (const size of [KiB, 4 * KiB, 16 * KiB, 64 * KiB]) {
  const order = scattered(bytesOfValues / size)
  const all: Array<Figures> = []
  for (let round = 0; round < rounds; round++) {
    const directory = mkdtempSync(join(tmpdir(), "effect-lsm-floors-"))
    try {
      all.push({ ...ofFiles(directory, size, order), ...(await ofLmdb(directory, size, order)) })
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
  const figures = Object.keys(all[0]!).map((name) => [name, median(all.map((one) => one[name]!)).toFixed(2)])
  console.log(`values of ${size} bytes, µs:`, Object.fromEntries(figures))
}
