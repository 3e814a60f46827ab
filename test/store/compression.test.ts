import { crc32 } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type LsmOptions, LsmStore, Storage, type Store } from "effect-lsm"
import { hasZstd } from "../../src/core/table/compression.js"
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

const codecs = hasZstd ? (["lz4", "deflate", "zstd"] as const) : (["lz4", "deflate"] as const)

describe.each(codecs)("compression with %s", (codec) => {
  it.effect("makes tables smaller at the configured levels", () =>
    Effect.gen(function* () {
      const [plain] = yield* sizes("none")
      const [deflated] = yield* sizes(codec)
      expect(plain).toBeGreaterThan(deflated * 3)
      const [upper, lower] = yield* sizes(["none", codec])
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
      yield* reopened(codec, (store) => Effect.zipRight(fill(store), store.flush))
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
      const how = { durability: "buffered", blockBytes: 1024, compression: codec } as const
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

describe.skipIf(hasZstd)("without zstd in node:zlib", () => {
  it.effect("the option is refused", () =>
    Effect.gen(function* () {
      const open = Effect.scoped(LsmStore.make({ directory: "/never", compression: ["none", "zstd"] }))
      expect(yield* Effect.flip(open)).toMatchObject({
        _tag: "InvalidArgument",
        argument: "compression",
        reason: expect.stringContaining("Node 22.15")
      })
    })
  )

  it.effect("a table that has it is refused, and the error says what it needs", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, (store) => Effect.zipRight(fill(store), store.flush))
      const files = new Map(disk.contents())
      const [path] = filesNamed(files, ".sst")
      const bytes = Buffer.from(files.get(path!)!)
      bytes.writeUInt32LE(3, 8)
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
      files.set(path!, bytes)
      const error = yield* Effect.flip(withStore(diskOf(files), (store) => store.get(keyOf(1))))
      expect(error).toMatchObject({
        _tag: "UnsupportedFormat",
        file: path,
        version: 3,
        needs: expect.stringContaining("zstd"),
        message: expect.stringContaining("needs a runtime whose node:zlib has zstd")
      })
    })
  )
})
