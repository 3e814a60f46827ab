import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { quickDisk } from "../crash/journal.js"
import { withStore } from "../crash/simulation.js"
import { microtasks } from "../support/simulatedRuntime.js"
import { makeRangedImages } from "./rangedImages.js"

export type Model = ReadonlyMap<string, string>
export type Files = ReadonlyMap<string, Uint8Array>

/** A store's files at one moment, and the contents that must be read from them. */
export interface Image {
  readonly name:
    | "closed"
    | "crashed"
    | "closed, log alone"
    | "crashed, log alone"
    | "closed, separated values"
    | "crashed, separated values"
    | "closed, ranges and times"
    | "crashed, ranges and times"
  readonly files: Files
  /** Older contents of these files, and of files that were removed. */
  readonly older: ReadonlyArray<{ readonly path: string; readonly bytes: Uint8Array }>
  /** `models[n]` is what the store held after batch n. */
  readonly models: ReadonlyArray<Model>
  /** Every key that was ever written, and some that were not. */
  readonly keys: ReadonlyArray<string>
  /** Set if ranges are deleted and values expire. Such a store is read at `readAt`. */
  readonly past?: Past
}

/** What each key has been. A value that has expired counts as a deletion. */
export interface Past {
  /** The values of each key in the order of the writes. Undefined is a deletion. */
  readonly values: ReadonlyMap<string, ReadonlyArray<string | undefined>>
  /** How many of these the newest range has deleted that lies in a table. */
  readonly floors: ReadonlyMap<string, number>
}

const small: LsmOptions.Tuning = {
  memtableBytes: 100_000,
  blockBytes: 1024,
  restartInterval: 2,
  tableBytes: 4096,
  level0Tables: 2,
  level1Bytes: 8192,
  levelRatio: 3,
  compression: "none"
}

/** Flushes and compacts only on request, and caches no blocks. */
export const quiet: LsmOptions.Tuning = { ...small, level0Tables: 1000, level1Bytes: 2 ** 30, blockCacheBytes: 0 }

const keyOf = (n: number): string => `key:${String((n * 7919) % 1000).padStart(3, "0")}`

/** Writes to the stores on a disk, and remembers all contents that its files have had. */
const recorder = (disk: MemoryDisk) => {
  const models: Array<Model> = [new Map()]
  const older = new Map<string, Map<string, Uint8Array>>()
  let step = 0

  const remember = Effect.sync(() => {
    for (const [path, bytes] of disk.contents()) {
      const known = older.get(path) ?? new Map<string, Uint8Array>()
      known.set(Buffer.from(bytes).toString("base64"), bytes)
      older.set(path, known)
    }
  })

  const write = (store: Store.Store, size: number) =>
    Effect.suspend(() => {
      const batch = WriteBatch.make()
      const model = new Map(models.at(-1)!)
      for (let i = 0; i < size; i++) {
        const key = keyOf(step++)
        if (step % 9 === 0) {
          batch.delete(key)
          model.delete(key)
        } else {
          const value = `${step}:${"abcdefghij".repeat(3 + (step % 43))}`
          batch.put(key, value)
          model.set(key, value)
        }
      }
      models.push(model)
      return Effect.zipRight(store.write(batch), remember)
    })

  const image = (name: Image["name"]): Image => {
    const files = disk.contents()
    return {
      name,
      files,
      older: [...older].flatMap(([path, contents]) =>
        [...contents.values()]
          .filter((bytes) => Buffer.compare(bytes, files.get(path) ?? new Uint8Array(0)) !== 0)
          .map((bytes) => ({ path, bytes }))
      ),
      models: [...models],
      keys: [...Array.from({ length: step + 20 }, (_, n) => keyOf(n)), "", "key", "key:", "zzz"]
    }
  }
  return { write, remember, image }
}

/** Two images of a store that has all of its data in the log: after closing, and while open. */
const makeLogImages = Effect.gen(function* () {
  const disk = quickDisk()
  const { write, remember, image } = recorder(disk)
  let crashed: Image | undefined
  yield* withStore(disk, quiet, (store) =>
    Effect.gen(function* () {
      for (let i = 0; i < 8; i++) yield* write(store, 2)
      crashed = image("crashed, log alone")
    })
  )
  yield* remember
  return [image("closed, log alone"), crashed!]
})

/** Values of at least 200 bytes lie in value files. Tables are smaller then, and compressed. */
const separated: LsmOptions.Tuning = { valueThreshold: 200, tableBytes: 250, level1Bytes: 2048, compression: "lz4" }

/**
 * Makes a store of about 64 KiB, the same each time. It has tables at several levels, with
 * deletions and older versions, several log segments, and a manifest with edits. The `closed` image
 * is taken after closing. The `crashed` one is taken while the store is open, with every write
 * acknowledged and with tables that a cursor holds. Both hold the same content. Two more images
 * have only a log, two have their large values in value files, and two have deleted ranges and values
 * that expire.
 */
export const makeImages: Effect.Effect<ReadonlyArray<Image>> = Effect.gen(function* () {
  const plain = yield* makeStoreImages({}, "closed", "crashed")
  const withValues = yield* makeStoreImages(separated, "closed, separated values", "crashed, separated values")
  return [...plain, ...(yield* makeLogImages), ...withValues, ...(yield* makeRangedImages)]
}).pipe(Effect.withRandom(Random.make("damage")), Effect.withScheduler(microtasks), Effect.orDie)

const makeStoreImages = (more: LsmOptions.Tuning, closedName: Image["name"], crashedName: Image["name"]) =>
  Effect.gen(function* () {
    const disk = quickDisk()
    const { write, remember, image } = recorder(disk)
    // Flushes and compactions fill the deeper levels.
    yield* withStore(disk, { ...small, ...more }, (store) =>
      Effect.gen(function* () {
        for (let i = 0; i < 12; i++) {
          yield* write(store, 12)
          yield* store.flush
        }
        yield* store.compact()
        for (let i = 0; i < 3; i++) {
          yield* write(store, 10)
          yield* store.flush
        }
        yield* store.sync
      })
    )
    // Segments that are not flushed yet.
    for (let i = 0; i < 3; i++) yield* withStore(disk, { ...quiet, ...more }, (store) => write(store, 3))
    yield* withStore(disk, { ...quiet, ...more }, (store) =>
      Effect.gen(function* () {
        for (let i = 0; i < 2; i++) {
          yield* write(store, 5)
          yield* store.flush
        }
        yield* write(store, 2)
      })
    )
    const images: Array<Image> = []
    for (let i = 0; i < 2; i++) yield* withStore(disk, { ...quiet, ...more }, (store) => write(store, 3))
    yield* withStore(disk, { ...small, ...more, level0Tables: 3 }, (store) =>
      Effect.gen(function* () {
        const cursor = yield* store.cursor()
        yield* cursor.first
        for (let i = 0; i < 6; i++) yield* write(store, 2)
        yield* remember
        images.push(image(crashedName))
      }).pipe(Effect.scoped)
    )
    yield* remember
    return [image(closedName), ...images]
  })
