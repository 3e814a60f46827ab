import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type LsmOptions, LsmStore, Storage, type Store } from "effect-lsm"
import { diskOf, errors, filesNamed, flip, quietly, withStore } from "../support/laboratory.js"

const options = { directory: "/store", durability: "buffered", blockBytes: 1024 } as const
const text = (i: number) => `{"number":${i},"name":"name of ${i % 10}","tags":["one","two","three"]}`
const keyOf = (i: number) => `key:${String(i).padStart(6, "0")}`

const fill = (store: Store.Store) =>
  Effect.forEach(
    Array.from({ length: 2000 }, (_, i) => i),
    (i) => store.put(keyOf(i), text(i)),
    { discard: true }
  )

const tableBytes = (store: Store.Store) => Effect.map(store.stats, (stats) => stats.tableBytes)

/** The bytes of the tables at level 0, and after a compaction. */
const sizes = (compression: LsmOptions.LsmOptions["compression"]) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    yield* fill(store)
    yield* store.flush
    const flushed = yield* tableBytes(store)
    yield* store.compact()
    return [flushed, yield* tableBytes(store)] as const
  }).pipe(Effect.provide(LsmStore.layerMemory({ ...options, compression, level0Tables: 1 })))

describe("compression", () => {
  it.effect("makes tables smaller at the configured levels", () =>
    Effect.gen(function* () {
      const [plain] = yield* sizes("none")
      const [deflated] = yield* sizes("deflate")
      expect(plain).toBeGreaterThan(deflated * 3)
      const [upper, lower] = yield* sizes(["none", "deflate"])
      expect(upper).toBe(plain)
      expect(lower).toBe(deflated)
    })
  )

  it.effect("may change when the store is reopened, and every table stays readable", () =>
    Effect.gen(function* () {
      const storage = yield* Storage.makeMemory
      const reopened = <A, E>(compression: LsmOptions.Compression, use: (store: Store.Store) => Effect.Effect<A, E>) =>
        LsmStore.LsmStore.pipe(
          Effect.flatMap(use),
          Effect.provide(LsmStore.layerFromStorage({ ...options, compression })),
          Effect.provideService(Storage.Storage, storage)
        )
      yield* reopened("deflate", (store) => Effect.zipRight(fill(store), store.flush))
      yield* reopened("none", (store) =>
        Effect.gen(function* () {
          yield* store.put(keyOf(7), "changed")
          yield* store.flush
          for (let i = 0; i < 2000; i += 97) {
            expect(yield* store.getString(keyOf(i))).toEqual(Option.some(text(i)))
          }
          const values = yield* Stream.runCollect(store.scan({ reverse: true }))
          expect(values.length).toBe(2000)
          expect(yield* store.getString(keyOf(7))).toEqual(Option.some("changed"))
        })
      )
    })
  )

  it.effect("is verified and salvaged block by block", () =>
    Effect.gen(function* () {
      const how = { durability: "buffered", blockBytes: 1024, compression: "deflate" } as const
      const disk = diskOf()
      yield* withStore(disk, (store) => Effect.zipRight(fill(store), store.flush), how)
      expect(yield* errors(disk)).toEqual([])
      const files = disk.contents()
      const [table] = filesNamed(files, ".sst")
      const damaged = flip(files, table!, 2000)
      expect(yield* errors(diskOf(damaged))).toMatchObject([{ region: "data block", reason: "checksum mismatch" }])
      const left = yield* withStore(diskOf(damaged), (store) => Stream.runCollect(store.scan()), {
        ...how,
        recovery: "salvage"
      })
      expect(left.length).toBeLessThan(2000)
      expect(left.length).toBeGreaterThan(1900)
      for (const { key, value } of left) {
        expect(new TextDecoder().decode(value)).toBe(text(Number(new TextDecoder().decode(key).slice(4))))
      }
    }).pipe(quietly)
  )
})
