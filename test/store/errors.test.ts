import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type LsmError, type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import { encodeFileHeader } from "../../src/core/storage/fileHeader.js"
import { captureLogs } from "../support/captureLogs.js"
import { onlyError } from "../support/fiberExits.js"
import { disk, memory, type Place, withStore } from "../support/places.js"

/** A value that a caller without types might pass. */
const wrong = <A>(value: unknown): A => value as A

const files = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, readFileSync(join(directory, name)).toString("base64")])
  )

/** The error with which the place fails to open. */
const refusal = (place: Place, tuning?: LsmOptions.Tuning): Effect.Effect<LsmError.OpenError> =>
  Effect.flip(withStore(place, () => Effect.void, tuning)) as Effect.Effect<LsmError.OpenError>

describe("invalid arguments fail with InvalidArgument, and change nothing", () => {
  it.scoped("in every operation", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          const cursor = yield* store.cursor()
          const uses: Record<string, Effect.Effect<unknown, unknown, Scope.Scope>> = {
            "put key": store.put(wrong(1), "v"),
            "put value": store.put("k", wrong(null)),
            "put durability": store.put("k", "v", { durability: wrong("never") }),
            "put durability null": store.put("k", "v", { durability: wrong(null) }),
            "put interval": store.put("k", "v", { durability: { interval: wrong("soon") } }),
            "put interval 0": store.put("k", "v", { durability: { interval: 0 } }),
            "put interval infinity": store.put("k", "v", { durability: { interval: "Infinity" as "1 hour" } }),
            "put maxBytes": store.put("k", "v", { durability: { interval: 1, maxBytes: 0.5 } }),
            "delete key": store.delete(wrong({})),
            "delete durability": store.delete("k", { durability: wrong(1) }),
            "write batch": store.write(wrong({ size: 1 })),
            "write key": store.write(WriteBatch.make().put("a", "b").delete(wrong(1))),
            "write durability": store.write(WriteBatch.make().put("a", "b"), { durability: wrong("x") }),
            "get key": store.get(wrong(undefined)),
            "get snapshot": store.get("k", { snapshot: wrong({ sequence: 1 }) }),
            "getString key": store.getString(wrong([1, 2])),
            "has key": store.has(wrong(false)),
            "getMany keys": store.getMany(wrong(5)),
            "getMany undefined": store.getMany(wrong(undefined)),
            "getMany one key": store.getMany("abc"),
            "getMany key": store.getMany(wrong(["k", 1])),
            "scan options": Stream.runDrain(store.scan(wrong("a"))),
            "scan null": Stream.runDrain(store.scan(wrong(null))),
            "scan start": Stream.runDrain(store.scan({ start: wrong(1) })),
            "scan end": Stream.runDrain(store.scan({ end: wrong(null) })),
            "scan prefix": Stream.runDrain(store.scan({ prefix: wrong({}) })),
            "scan limit": Stream.runDrain(store.scan({ limit: -1 })),
            "scan limit 0.5": Stream.runDrain(store.keys({ limit: 0.5 })),
            "scan limit text": Stream.runDrain(store.values({ limit: wrong("3") })),
            "scan limit NaN": Stream.runDrain(store.entries({ limit: Number.NaN })),
            "scan chunkSize": Stream.runDrain(store.scan({ chunkSize: 0 })),
            "scan snapshot": Stream.runDrain(store.scan({ snapshot: wrong(7) })),
            "cursor range": store.cursor(wrong(3)),
            "cursor seek": cursor.seek(wrong(1)),
            "cursor seekBefore": cursor.seekBefore(wrong(null)),
            "cursor take": cursor.take(-1),
            "cursor take text": cursor.take(wrong("1")),
            count: store.count({ start: wrong(1) }),
            approximateCount: store.approximateCount(wrong(1)),
            approximateSize: store.approximateSize({ prefix: wrong(1) }),
            compact: store.compact({ end: wrong(1) }),
            unsafeGet: Effect.try({ try: () => store.unsafeGet(wrong(1)), catch: (error) => error })
          }
          for (const [name, use] of Object.entries(uses)) {
            const exit = yield* Effect.exit(use)
            const [error] = Exit.isFailure(exit) ? onlyError(exit.cause) : []
            expect(error, name).toMatchObject({ _tag: "InvalidArgument" })
          }
          expect(yield* store.count()).toBe(1)
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
        }).pipe(Effect.scoped)
      )
    })
  )

  it.scoped("if they are strings without a UTF-8 form, in every operation", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("user:\ufffd", "v")
          const cursor = yield* store.cursor()
          for (const bad of ["user:\ud800", "user:\udfff", "\ude00\ud83d", `\u00e9${"\ud800".repeat(300)}`]) {
            const uses: Record<string, readonly [argument: string, use: Effect.Effect<unknown, unknown, Scope.Scope>]> =
              {
                put: ["key", store.put(bad, "v")],
                "put value": ["value", store.put("k", bad)],
                delete: ["key", store.delete(bad)],
                "write key": ["batch", store.write(WriteBatch.make().put("a", "b").put(bad, "b"))],
                "write value": ["batch", store.write(WriteBatch.make().put("a", "b").put("b", bad))],
                "write delete": ["batch", store.write(WriteBatch.make().put("a", "b").delete(bad))],
                get: ["key", store.get(bad)],
                getString: ["key", store.getString(bad)],
                getMany: ["key", store.getMany(["k", bad])],
                has: ["key", store.has(bad)],
                unsafeGet: ["key", Effect.try({ try: () => store.unsafeGet(bad), catch: (error) => error })],
                scan: ["start", Stream.runDrain(store.scan({ start: bad }))],
                collect: ["prefix", store.collect({ prefix: bad })],
                keys: ["end", Stream.runDrain(store.keys({ end: bad }))],
                cursor: ["prefix", store.cursor({ prefix: bad })],
                unsafeCursor: [
                  "end",
                  Effect.try({ try: () => store.unsafeCursor({ end: bad }), catch: (error) => error })
                ],
                seek: ["key", cursor.seek(bad)],
                seekBefore: ["key", cursor.seekBefore(bad)],
                count: ["start", store.count({ start: bad })],
                approximateCount: ["end", store.approximateCount({ end: bad })],
                compact: ["start", store.compact({ start: bad })]
              }
            for (const [name, [argument, use]] of Object.entries(uses)) {
              expect(yield* Effect.flip(use), name).toMatchObject({ _tag: "InvalidArgument", argument })
            }
          }
          expect(yield* store.count()).toBe(1)
          yield* store.put("😀", "\ud83d\ude00")
          expect(yield* store.getString("😀")).toStrictEqual(Option.some("😀"))
        }).pipe(Effect.scoped)
      )
    })
  )

  it.scoped("but a read of an overlong key finds nothing, and does not retain the key", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          const longest = "k".repeat(64 * 1024)
          yield* store.put(longest, "v")
          const held = process.memoryUsage().arrayBuffers
          const long = "k".repeat(30_000_000)
          for (const key of [long, new Uint8Array(30_000_000), `${longest}k`]) {
            expect(yield* store.get(key)).toStrictEqual(Option.none())
            expect(yield* store.has(key)).toBe(false)
            expect(store.unsafeGet(key)).toBeUndefined()
          }
          expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(40_000_000)
          expect(yield* store.getString(longest)).toStrictEqual(Option.some("v"))
        })
      )
    })
  )

  it.scoped("if they exceed the limits, before anything is written", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const limits = { maxKeyBytes: 8, maxValueBytes: 16 }
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* store.put("12345678", "1234567890123456")
            yield* store.put("😀😀", "😀😀😀😀")
            for (const [limit, key, value] of [
              ["keyBytes", "123456789", "v"],
              ["keyBytes", "😀😀😀", "v"],
              ["valueBytes", "k", "12345678901234567"],
              ["valueBytes", "k", "😀😀😀😀😀"]
            ] as const) {
              const exceeded = { _tag: "LimitExceeded", limit, most: store.limits[limit] }
              expect(yield* Effect.flip(store.put(key, value))).toMatchObject(exceeded)
              const batch = WriteBatch.make().put("a", "b").put(key, value)
              expect(yield* Effect.flip(store.write(batch))).toMatchObject(exceeded)
              expect(yield* Effect.flip(store.transact((tx) => tx.put(key, value)))).toMatchObject(exceeded)
            }
            const long = yield* Effect.flip(store.delete(new TextEncoder().encode("123456789")))
            expect(long).toMatchObject({ _tag: "LimitExceeded", limit: "keyBytes", actual: 9, most: 8 })
            expect(long.message).toBe("a key has 9 bytes; at most 8 bytes are allowed")
            expect(yield* store.has("123456789")).toBe(false)
            expect(yield* store.count()).toBe(2)
            expect((yield* store.stats).operations).toMatchObject({ puts: 2, deletes: 0, batches: 0 })
          }),
        limits
      )
    })
  )

  it.scoped("in the options, and the error names the option", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const options: Record<string, ReadonlyArray<unknown>> = {
        durability: ["often", 1, {}, { interval: "x" }, { interval: "1 second", maxBytes: -1 }],
        memtableBytes: [0, -1, 1.5, "1", Number.NaN, 2 ** 40],
        maxFrozenMemtables: [0, 1.5],
        blockBytes: [0],
        restartInterval: [0],
        filterFalsePositiveRate: [0, 1.1, "x"],
        blockCacheBytes: [-1],
        entryCacheBytes: [-1, 0.5, 256 * 1024 * 1024 + 1],
        maxOpenTables: [0],
        tableBytes: [0],
        level0Tables: [0],
        compression: ["gzip", [], ["none", 1]],
        level0SlowdownTables: [1],
        level0StopTables: [1],
        level1Bytes: [0],
        levelRatio: [1],
        compactionThreshold: [0, 2],
        maxKeyBytes: [0, 65_537],
        maxValueBytes: [0, 2 ** 29],
        inlineSyncMillis: [-1, 2000],
        latencySampling: [0],
        name: [5, {}]
      }
      for (const [name, values] of Object.entries(options)) {
        for (const value of values) {
          const error = yield* refusal(place, wrong({ [name]: value })).pipe(
            Effect.catchAll(() => Effect.succeed("it opened"))
          )
          expect(error, `${name}: ${String(value)}`).toMatchObject({ _tag: "InvalidArgument", argument: name })
        }
      }
      expect(yield* refusal(place, wrong({ backgroundThread: 1 }))).toMatchObject({ argument: "backgroundThread" })
      expect(yield* refusal(place, wrong({ createIfMissing: "no" }))).toMatchObject({ argument: "createIfMissing" })
    })
  )
})

describe("opening", () => {
  it.scoped("creates a store only if createIfMissing allows it", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const missing = {
        ...place,
        open: (tuning?: object) => place.open({ ...tuning, createIfMissing: false } as object)
      }
      expect(yield* refusal(missing)).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      rmSync(place.directory, { recursive: true })
      expect(yield* refusal(missing)).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      expect(() => readdirSync(place.directory)).toThrow("ENOENT")
      yield* withStore(place, (store) => store.put("k", "v"))
      yield* withStore(missing, (store) => Effect.map(store.count(), (count) => expect(count).toBe(1)))
    })
  )

  it.scoped("reports why a directory cannot be created", () =>
    Effect.gen(function* () {
      const place = yield* disk
      rmSync(place.directory, { recursive: true })
      writeFileSync(place.directory, "a file")
      expect(yield* refusal(place)).toMatchObject({
        _tag: "StorageError",
        path: expect.stringContaining(place.directory)
      })
      expect(readFileSync(place.directory, "utf8")).toBe("a file")
    })
  )

  it.scoped("leaves foreign files alone, and removes and reports its own orphans", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const logs = captureLogs()
      yield* withStore(place, (store) => Effect.zipRight(store.put("k", "v"), store.flush))
      const foreign = [
        "notes.txt",
        "0001.log",
        "000001.log.bak",
        "x.sst",
        "CURRENT.old",
        "CURRENT.tmp",
        "MANIFEST",
        "000000.sst",
        ".hidden"
      ]
      for (const name of foreign) writeFileSync(join(place.directory, name), "mine")
      mkdirSync(join(place.directory, "folder"))
      const storeId = readFileSync(join(place.directory, "CURRENT")).subarray(18, 26)
      const orphans = ["000900.sst", "000901.log", "CURRENT-000903.tmp", "MANIFEST-000902"]
      for (const [name, kind, fileNumber] of [
        ["000900.sst", "table", 900],
        ["000901.log", "log", 901],
        ["CURRENT-000903.tmp", "current", 903],
        ["MANIFEST-000902", "manifest", 902]
      ] as const) {
        writeFileSync(join(place.directory, name), encodeFileHeader({ kind, fileNumber, storeId }))
      }
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect([...(yield* store.stats).recovery.orphans].sort()).toStrictEqual(orphans)
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
        })
      ).pipe(Effect.provide(logs.layer))
      const names = readdirSync(place.directory)
      expect(names).toEqual(expect.arrayContaining([...foreign, "folder"]))
      for (const name of orphans) expect(names).not.toContain(name)
      expect(logs.with("removed an orphan").map(({ level, annotations }) => [level, annotations["file"]])).toEqual(
        expect.arrayContaining([
          ["WARN", "000900.sst"],
          ["WARN", "000901.log"],
          ["WARN", "MANIFEST-000902"]
        ])
      )
    })
  )

  it.scoped("succeeds even if an orphan cannot be removed", () =>
    Effect.gen(function* () {
      const place = yield* disk
      yield* withStore(place, (store) => store.put("k", "v"))
      mkdirSync(join(place.directory, "000900.sst"))
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(1)))
    })
  )

  for (const [kind, pattern] of [
    ["CURRENT", /^CURRENT$/],
    ["the manifest", /^MANIFEST/],
    ["a log segment", /\.log$/]
  ] as const) {
    it.scoped(`refuses ${kind} of a newer format, names the file, and changes nothing`, () =>
      Effect.gen(function* () {
        const place = yield* disk
        yield* withStore(place, (store) => Effect.zipRight(store.put("a", "1"), store.flush))
        yield* withStore(place, (store) => store.put("b", "2"))
        const name = readdirSync(place.directory).find((file) => pattern.test(file))!
        const path = join(place.directory, name)
        const bytes = readFileSync(path)
        bytes.writeUInt32LE(99, 8)
        bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
        writeFileSync(path, bytes)
        const before = files(place.directory)
        expect(yield* refusal(place)).toMatchObject({ _tag: "UnsupportedFormat", file: path, version: 99 })
        expect(files(place.directory)).toStrictEqual(before)
      })
    )
  }

  it.scoped("names a table of a newer format when the table is read", () =>
    Effect.gen(function* () {
      const place = yield* disk
      yield* withStore(place, (store) => Effect.zipRight(store.put("a", "1"), store.flush))
      const path = join(place.directory, readdirSync(place.directory).find((file) => file.endsWith(".sst"))!)
      const bytes = readFileSync(path)
      bytes.writeUInt32LE(99, 8)
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
      writeFileSync(path, bytes)
      const error = yield* Effect.flip(withStore(place, (store) => store.get("a")))
      expect(error).toMatchObject({ _tag: "UnsupportedFormat", file: path, version: 99 })
      expect(readFileSync(path).equals(bytes)).toBe(true)
    })
  )

  for (const [kind, pattern] of [
    ["a table", /\.sst$/],
    ["a log segment with records", /\.log$/],
    ["the manifest", /^MANIFEST/],
    ["CURRENT", /^CURRENT$/]
  ] as const) {
    it.scoped(`reports ${kind} as Corruption if it is missing, and changes nothing`, () =>
      Effect.gen(function* () {
        const place = yield* disk
        yield* withStore(place, (store) => Effect.zipRight(store.put("a", "1"), store.flush))
        yield* withStore(place, (store) => store.put("b", "2"))
        const name = readdirSync(place.directory)
          .sort()
          .find((file) => pattern.test(file))!
        rmSync(join(place.directory, name))
        const before = files(place.directory)
        expect(yield* refusal(place)).toMatchObject({
          _tag: "Corruption",
          file: join(place.directory, name),
          reason: expect.stringContaining("missing")
        })
        expect(files(place.directory)).toStrictEqual(before)
      })
    )
  }

  it.scoped("reports damage with file, offset and region, never as a wrong or missing value", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const entries = Array.from({ length: 200 }, (_, i) => `k${String(i).padStart(3, "0")}`)
      yield* withStore(place, (store) => {
        const batch = WriteBatch.make()
        for (const key of entries) batch.put(key, `the value of ${key}`)
        return Effect.zipRight(store.write(batch), store.flush)
      })
      const path = join(place.directory, readdirSync(place.directory).find((file) => file.endsWith(".sst"))!)
      const intact = readFileSync(path)
      const read = (store: Store.Store) =>
        Effect.gen(function* () {
          for (const key of entries) {
            expect(yield* store.getString(key)).toStrictEqual(Option.some(`the value of ${key}`))
          }
          expect(yield* store.count()).toBe(200)
        })
      for (let at = 0; at < intact.length; at += 211) {
        const bytes = Buffer.from(intact)
        bytes[at]! ^= 1 << (at % 8)
        writeFileSync(path, bytes)
        expect(yield* Effect.flip(withStore(place, read)), `byte ${at}`).toMatchObject({
          _tag: "Corruption",
          file: path,
          region: expect.any(String)
        })
      }
      writeFileSync(path, intact)
      yield* withStore(place, read)
    })
  )
})
