import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { LsmStore, type Store } from "effect-lsm"
import * as places from "../support/places.js"

const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`)

const filled = (byte: number) => new Uint8Array(3000).fill(byte)

const onDisk = <A, E, R>(use: (store: Store.Store, directory: string) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(places.disk, (place) =>
    places.withStore(place, (store) => use(store, place.directory), { durability: "buffered" })
  )

/** Gets all keys until their values are cached. */
const warm = (store: Store.Store) => Effect.forEach([...keys, ...keys, ...keys, ...keys], (key) => store.get(key))

const bytesOf = (entries: ReadonlyArray<Store.Entry>) =>
  Object.fromEntries(
    entries.map(({ key, value }) => [Buffer.from(key).toString(), [value.length, value[0], value[2999]]])
  )

/** Overwrites the content of the files that hold values. */
const spoilValues = (directory: string): void => {
  for (const name of readdirSync(directory).filter((one) => /\.(log|val)/.test(one))) {
    const path = join(directory, name)
    const bytes = readFileSync(path)
    if (bytes.length > 100_000) writeFileSync(path, bytes.fill(0, 1000, 90_000), { flag: "r+" })
  }
}

describe("entries that are cached", () => {
  it.effect("are those of the newest flush, and stay when other keys are flushed or tables compacted", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const expected = new Map<string, string>()
      const readAll = Effect.gen(function* () {
        for (let i = 0; i < 3; i++) {
          for (const key of keys) {
            expect(Option.getOrUndefined(yield* store.getString(key))).toBe(expected.get(key))
          }
        }
      })
      for (let round = 0; round < 6; round++) {
        for (const [i, key] of keys.entries()) {
          if (i % (round + 2) !== 0) continue
          if (i % 5 === round) {
            expected.delete(key)
            yield* store.delete(key)
          } else {
            expected.set(key, `${key} in round ${round}`)
            yield* store.put(key, `${key} in round ${round}`)
          }
        }
        yield* readAll
        yield* store.flush
        yield* readAll
        if (round % 2 === 1) yield* store.compact()
        const before = (yield* store.stats).cache.entryHits
        yield* readAll
        const hits = (yield* store.stats).cache.entryHits - before
        // Even the first time: no compaction emptied the cache.
        expect(hits).toBeGreaterThanOrEqual(expected.size * 2.5)
      }
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("serve scans too: a separated value is not read from its file", () =>
    onDisk((store, directory) =>
      Effect.gen(function* () {
        for (const [i, key] of keys.entries()) yield* store.put(key, filled(i))
        yield* store.flush
        yield* warm(store)
        const { entryHits } = (yield* store.stats).cache
        expect(entryHits).toBeGreaterThan(keys.length)
        spoilValues(directory)
        // The cache need not hold each key.
        for (const reverse of [false, true]) {
          let cached = 0
          for (const [i, key] of keys.entries()) {
            const found = yield* Effect.either(store.collect({ start: key, end: `${key}\0`, reverse }))
            if (Either.isLeft(found)) continue
            expect(bytesOf(found.right)).toStrictEqual({ [key]: [3000, i, i] })
            cached++
          }
          expect(cached).toBeGreaterThan(keys.length * 0.85)
        }
        expect((yield* store.stats).cache.entryHits).toBe(entryHits)
      })
    )
  )

  it.scoped("serve a scan only with the version that its reader sees", () =>
    onDisk((store) =>
      Effect.gen(function* () {
        const expected = (byteOf: (i: number) => number | undefined) =>
          Object.fromEntries(
            keys.flatMap((key, i) => (byteOf(i) === undefined ? [] : [[key, [3000, byteOf(i), byteOf(i)]]]))
          )
        for (const [i, key] of keys.entries()) yield* store.put(key, filled(i))
        yield* store.flush
        yield* warm(store)
        const snapshot = yield* store.snapshot
        const first = expected((i) => i)
        const second = expected((i) => (i % 3 === 0 ? 255 - i : i % 3 === 1 ? undefined : i))
        const check = Effect.gen(function* () {
          expect(bytesOf(yield* store.collect())).toStrictEqual(second)
          expect(bytesOf(yield* store.collect({ reverse: true }))).toStrictEqual(second)
          expect(bytesOf(yield* store.collect({ snapshot }))).toStrictEqual(first)
        })
        for (const [i, key] of keys.entries()) {
          if (i % 3 === 0) yield* store.put(key, filled(255 - i))
          if (i % 3 === 1) yield* store.delete(key)
        }
        yield* check
        yield* store.flush
        yield* check
        yield* warm(store)
        yield* check
        yield* store.compact()
        yield* check
      }).pipe(Effect.scoped)
    )
  )
})
