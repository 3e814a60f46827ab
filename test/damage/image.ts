import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { quickDisk } from "../crash/journal.js"
import { withStore } from "../crash/simulation.js"

export type Model = ReadonlyMap<string, string>
export type Files = ReadonlyMap<string, Uint8Array>

/** A store's files at one moment, and what must be read from them. */
export interface Image {
  readonly name: "closed" | "crashed" | "closed, log alone" | "crashed, log alone"
  readonly files: Files
  /** Older contents of the same files, and of files that are gone. */
  readonly older: ReadonlyArray<{ readonly path: string; readonly bytes: Uint8Array }>
  /** `models[n]` is what the store held after batch n. */
  readonly models: ReadonlyArray<Model>
  /** Every key that was ever written, and some that were not. */
  readonly keys: ReadonlyArray<string>
}

const small: LsmOptions.Tuning = {
  memtableBytes: 100_000,
  blockBytes: 1024,
  restartInterval: 2,
  tableBytes: 4096,
  level0Tables: 2,
  level1Bytes: 8192,
  levelRatio: 3
}

/** Flushes and compactions only when asked for; blocks are read anew each time. */
export const quiet: LsmOptions.Tuning = { ...small, level0Tables: 1000, level1Bytes: 2 ** 30, blockCacheBytes: 0 }

const keyOf = (n: number): string => `key:${String((n * 7919) % 1000).padStart(3, "0")}`

/** Writes to the stores on a disk, and remembers what its files have held. */
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

/** Stores whose data is in the log alone: a closed one, and one left while it is open. */
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

/**
 * Makes a store of about 64 KiB: tables at several levels, with deletions and older versions, several segments
 * of log, a manifest with edits. The same each time. A crashed one is left while it is open, everything acknowledged, with tables that
 * a cursor holds; both images hold the same content. Two more have nothing but a log.
 */
export const makeImages: Effect.Effect<ReadonlyArray<Image>> = Effect.gen(function* () {
  const disk = quickDisk()
  const { write, remember, image } = recorder(disk)
  // Deeper levels, by flushes and compactions.
  yield* withStore(disk, small, (store) =>
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
  // Segments that no flush has taken yet.
  for (let i = 0; i < 3; i++) yield* withStore(disk, quiet, (store) => write(store, 3))
  yield* withStore(disk, quiet, (store) =>
    Effect.gen(function* () {
      for (let i = 0; i < 2; i++) {
        yield* write(store, 5)
        yield* store.flush
      }
      yield* write(store, 2)
    })
  )
  const images: Array<Image> = []
  for (let i = 0; i < 2; i++) yield* withStore(disk, quiet, (store) => write(store, 3))
  yield* withStore(disk, { ...small, level0Tables: 3 }, (store) =>
    Effect.gen(function* () {
      const cursor = yield* store.cursor()
      yield* cursor.first
      for (let i = 0; i < 6; i++) yield* write(store, 2)
      yield* remember
      images.push(image("crashed"))
    }).pipe(Effect.scoped)
  )
  yield* remember
  return [image("closed"), ...images, ...(yield* makeLogImages)]
}).pipe(Effect.withRandom(Random.make("damage")), Effect.orDie)
