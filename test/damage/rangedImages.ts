import * as Effect from "effect/Effect"
import { type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import { quickDisk } from "../crash/journal.js"
import { withStore } from "../crash/simulation.js"
import { SimulatedClock } from "../support/simulated.js"
import type { Image, Model, Past } from "./image.js"

/** When the images are read. Everything in them was written at 0. */
const readAt = 1000

/** The clock by which the images are read. */
export const readingClock = new SimulatedClock()
readingClock.advance(readAt)

/** Before and after `readAt`. */
const [early, late] = [500, 3_600_000]

/** Values of at least 60 bytes lie in value files. */
const tuning: LsmOptions.Tuning = {
  memtableBytes: 100_000,
  blockBytes: 100,
  restartInterval: 2,
  tableBytes: 200,
  level0Tables: 2,
  level1Bytes: 700,
  levelRatio: 2,
  valueThreshold: 60
}

/** Flushes and compacts only on request, and caches no blocks. */
export const rangedQuiet: LsmOptions.Tuning = {
  ...tuning,
  level0Tables: 1000,
  level1Bytes: 2 ** 30,
  blockCacheBytes: 0
}

const keyCount = 24
const keyOf = (n: number): string => `k${String(n % keyCount).padStart(2, "0")}`

interface Held {
  readonly value: string
  readonly expiresAt: number
}

/** Writes to the stores on a disk, and remembers what each key has been. */
const recorder = () => {
  let held: ReadonlyMap<string, Held> = new Map()
  const models: Array<Model> = [new Map()]
  const values = new Map<string, Array<string | undefined>>()
  const floors = new Map<string, number>()
  /** Keys in ranges that are deleted in the log alone, and how many versions they had then. */
  let unflushed = new Map<string, number>()

  const note = (key: string, value: string | undefined): void => {
    values.set(key, [...(values.get(key) ?? []), value])
  }

  /** A batch of `size` writes, and the deletion of a range of so many keys. */
  const write = (store: Store.Store, size: number, range: number) =>
    Effect.suspend(() => {
      const batch = WriteBatch.make()
      const next = new Map(held)
      const number = models.length
      if (range > 0) {
        const from = (number * 5) % (keyCount - range)
        const [start, end] = [keyOf(from), keyOf(from + range)]
        batch.deleteRange({ start, end })
        for (const key of values.keys()) {
          if (key < start || key >= end) continue
          next.delete(key)
          note(key, undefined)
          unflushed.set(key, values.get(key)!.length)
        }
      }
      const first = (number * 7) % keyCount
      for (let i = 0; i < size; i++) {
        const key = keyOf(first + i)
        const kind = (first + i + number) % 5
        const isExpired = kind === 1
        const expiresAt = isExpired ? early : kind === 3 ? late + number : undefined
        const time = expiresAt === undefined ? "" : ` until ${expiresAt}`
        const value = `${key} in batch ${number}${time}${"x".repeat((number + i) % 3 === 0 ? 44 : i)}`
        if (kind === 4 && i > 0) {
          batch.delete(key)
          next.delete(key)
          note(key, undefined)
          continue
        }
        batch.put(key, value, { expiresAt })
        next.set(key, { value, expiresAt: expiresAt ?? Number.POSITIVE_INFINITY })
        note(key, isExpired ? undefined : value)
      }
      // Each batch makes another content, so that it shows which ones are there.
      batch.put("newest", `${number}`)
      next.set("newest", { value: `${number}`, expiresAt: Number.POSITIVE_INFINITY })
      note("newest", `${number}`)
      held = next
      models.push(
        new Map([...next].flatMap(([key, { expiresAt, value }]) => (expiresAt > readAt ? [[key, value]] : [])))
      )
      return store.write(batch)
    })

  const flush = (store: Store.Store) =>
    Effect.tap(store.flush, () =>
      Effect.sync(() => {
        for (const [key, versions] of unflushed) floors.set(key, versions)
        unflushed = new Map()
      })
    )

  const past = (): Past => ({
    values: new Map([...values].map(([key, versions]) => [key, [...versions]])),
    floors: new Map(floors)
  })
  return { write, flush, models, past }
}

/**
 * Makes two images of a store of about 10 KiB, the same each time: crashed, and closed. It has ranges
 * that are deleted in the log, in tables of level 0, and in tables of a deeper level over one that has
 * the keys; values that expire after `readAt` and before it; and value files.
 */
export const makeRangedImages: Effect.Effect<ReadonlyArray<Image>, unknown> = Effect.gen(function* () {
  const disk = quickDisk()
  const { flush, models, past, write } = recorder()
  const image = (name: Image["name"]): Image => ({
    name,
    files: disk.contents(),
    older: [],
    models: [...models],
    keys: ["", ...Array.from({ length: keyCount }, (_, n) => keyOf(n)), "k", "newest", "zzz"],
    past: past()
  })
  yield* withStore(disk, tuning, (store) =>
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        yield* write(store, 9, 0)
        yield* flush(store)
      }
      yield* store.compact()
    })
  )
  yield* withStore(disk, { ...tuning, level1Bytes: 4000 }, (store) =>
    Effect.gen(function* () {
      for (let i = 0; i < 4; i++) {
        yield* write(store, 8, i === 0 ? 16 : 5)
        yield* flush(store)
      }
    })
  )
  yield* withStore(disk, rangedQuiet, (store) =>
    Effect.gen(function* () {
      yield* write(store, 6, 4)
      yield* flush(store)
      yield* write(store, 5, 3)
    })
  )
  const crashed = yield* withStore(disk, rangedQuiet, (store) =>
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) yield* write(store, 4, 3)
      return image("crashed, ranges and times")
    })
  )
  return [image("closed, ranges and times"), crashed]
}).pipe(Effect.withClock(new SimulatedClock().clock))
