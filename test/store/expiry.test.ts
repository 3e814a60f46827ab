import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { LsmError, LsmStore, type Store, Transaction, WriteBatch } from "effect-lsm"
import { keys as keysOf, pairs, text } from "../support/bytes.js"
import { eventually } from "../support/eventually.js"
import { directory, diskOf, errors, filesNamed, quietly, storageOf, without, withStore } from "../support/laboratory.js"

const memory = LsmStore.makeMemory()
const some = (value: string) => Option.some(value)
const versionOf = (bytes: Uint8Array): number => bytes[8]!

/** Whether a key is there, by each way of reading it. */
const isThere = (store: Store.Store, key: string) =>
  Effect.gen(function* () {
    const there = yield* store.has(key)
    const answers = [
      Option.isSome(yield* store.get(key)),
      store.unsafeGet(key) !== undefined,
      Option.isSome(yield* store.getEntry(key)),
      ...(yield* store.getMany([key])).map(Option.isSome),
      (yield* keysOf(store.keys({ prefix: key }))).includes(key),
      (yield* keysOf(store.keys({ prefix: key, reverse: true }))).includes(key),
      (yield* store.collect({ start: key, limit: 1 })).some((entry) => text(entry.key) === key),
      (yield* store.count({ start: key, end: `${key}\0` })) === 1
    ]
    expect(answers).toStrictEqual(answers.map(() => there))
    return there
  })

describe("a value with a time to live", () => {
  for (const [place, move] of [
    ["a memtable", (_: Store.Store) => Effect.void],
    ["level 0", (store: Store.Store) => store.flush],
    ["the deepest level", (store: Store.Store) => store.compact()]
  ] as const) {
    for (const length of [3, 5000]) {
      it.scoped(`is there until then, and not after it: ${length} bytes in ${place}`, () =>
        Effect.gen(function* () {
          const store = yield* memory
          const value = "v".repeat(length)
          yield* store.put("key", value, { ttl: "1 minute" })
          yield* store.put("other", "stays")
          yield* move(store)
          for (let i = 0; i < 3; i++) expect(yield* store.getString("key")).toStrictEqual(some(value))
          yield* TestClock.adjust(Duration.millis(59_999))
          expect(yield* isThere(store, "key")).toBe(true)
          expect(yield* pairs(store.scan())).toStrictEqual([
            ["key", value],
            ["other", "stays"]
          ])
          expect(yield* pairs(store.scan({ reverse: true, limit: 2 }))).toHaveLength(2)
          yield* TestClock.adjust(Duration.millis(1))
          expect(yield* isThere(store, "key")).toBe(false)
          expect(yield* isThere(store, "other")).toBe(true)
          yield* store.compact()
          expect((yield* store.stats).levels.reduce((n, { entries }) => n + entries, 0)).toBe(1)
        })
      )
    }
  }

  it.scoped("never uncovers an older value", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("key", "old")
      yield* store.compact()
      yield* store.put("key", "new", { ttl: 10 })
      yield* TestClock.adjust(10)
      for (const step of [Effect.void, store.flush, store.compact()]) {
        yield* step
        expect(yield* isThere(store, "key")).toBe(false)
      }
    })
  )

  it.scoped("can be asked for, changed and removed", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* TestClock.setTime(1000)
      yield* store.put("key", "value", { ttl: "1 second" })
      for (const step of [Effect.void, store.flush]) {
        yield* step
        expect(yield* store.expiresAt("key")).toStrictEqual(Option.some(2000))
        expect(Option.getOrThrow(yield* store.getEntry("key")).expiresAt).toBe(2000)
      }
      expect(yield* store.expire("key", { expiresAt: 5000 })).toBe(true)
      expect(yield* store.expiresAt("key")).toStrictEqual(Option.some(5000))
      expect(yield* store.persist("key")).toBe(true)
      expect(yield* store.persist("key")).toBe(false)
      expect(yield* store.expiresAt("key")).toStrictEqual(Option.none())
      expect("expiresAt" in Option.getOrThrow(yield* store.getEntry("key"))).toBe(false)
      yield* TestClock.setTime(100_000)
      expect(yield* store.getString("key")).toStrictEqual(some("value"))
      yield* store.put("key", "value", { ttl: 10 })
      yield* store.put("key", "without")
      yield* TestClock.adjust(10)
      expect(yield* isThere(store, "key")).toBe(true)
      for (const absent of ["absent", "expired"]) {
        yield* store.put("expired", "1", { expiresAt: 1 })
        expect(yield* store.expire(absent, { ttl: 10 })).toBe(false)
        expect(yield* store.persist(absent)).toBe(false)
        expect(yield* store.expiresAt(absent)).toStrictEqual(Option.none())
        expect(yield* isThere(store, absent)).toBe(false)
      }
      yield* store.put("key", "for ever", { ttl: Duration.infinity })
      expect(yield* store.expiresAt("key")).toStrictEqual(Option.none())
      yield* store.put("key", "for long", { ttl: Duration.days(1e9) })
      expect(yield* store.expiresAt("key")).toStrictEqual(Option.some(2 ** 48 - 1))
    })
  )

  it.scoped("is absent for conditional writes and transactions", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("key", "1", { ttl: 10 })
      const version = Option.getOrThrow(yield* store.getEntry("key")).version
      yield* TestClock.adjust(10)
      expect(yield* Effect.flip(store.write(WriteBatch.make().check("key", version)))).toMatchObject({
        actual: "absent"
      })
      yield* store.write(WriteBatch.make().check("key", "absent"))
      const seen: Array<boolean> = []
      yield* store.update("key", (value) => {
        seen.push(Option.isSome(value))
        return "2"
      })
      expect(seen).toStrictEqual([false])
      expect(yield* store.compareAndSet("key", Option.some("2"), Option.some("3"), { ttl: 10 })).toBe(true)
      yield* TestClock.adjust(10)
      expect(yield* store.compareAndSet("key", Option.none(), Option.some("4"))).toBe(true)
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put("key", "5", { ttl: 10 })
          yield* tx.write(WriteBatch.make().put("other", "6", { ttl: 20 }))
          expect(yield* tx.getString("key")).toStrictEqual(some("5"))
          expect((yield* tx.collect()).map(({ value }) => text(value))).toStrictEqual(["5", "6"])
        })
      )
      yield* TestClock.adjust(10)
      expect(yield* keysOf(store.keys())).toStrictEqual(["other"])
      yield* TestClock.adjust(10)
      expect(yield* keysOf(store.keys())).toStrictEqual([])
    })
  )

  it.scoped("in a batch lives from when the batch is written", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const batch = WriteBatch.make().put("a", "1", { ttl: 100 }).put("b", "2", { expiresAt: 300 }).put("c", "3")
      yield* TestClock.setTime(50)
      yield* store.write(batch)
      expect(yield* store.expiresAt("a")).toStrictEqual(Option.some(150))
      yield* TestClock.setTime(200)
      expect(yield* keysOf(store.keys())).toStrictEqual(["b", "c"])
      yield* store.write(batch)
      expect(yield* store.expiresAt("a")).toStrictEqual(Option.some(300))
      yield* TestClock.setTime(300)
      expect(yield* keysOf(store.keys())).toStrictEqual(["c"])
    })
  )

  it.scoped("stays for what was begun before: a snapshot, a Stream, a transaction", () =>
    Effect.gen(function* () {
      const store = yield* memory
      for (const key of ["a", "b", "c"]) yield* store.put(key, "old")
      for (const key of ["a", "b", "c"]) yield* store.put(key, key, { ttl: 10 })
      const before = yield* store.snapshot
      const cursor = yield* store.cursor()
      yield* cursor.first
      const within = yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* TestClock.adjust(10)
          return [yield* tx.count(), (yield* tx.collect({ reverse: true })).length, yield* tx.has("a")]
        })
      )
      expect(within).toStrictEqual([3, 3, true])
      for (const step of [Effect.void, store.flush, store.compact()]) {
        yield* step
        expect(yield* store.count()).toBe(0)
        expect(yield* pairs(before.scan())).toStrictEqual([
          ["a", "a"],
          ["b", "b"],
          ["c", "c"]
        ])
        expect(yield* before.getString("b")).toStrictEqual(some("b"))
      }
      expect(yield* cursor.take(5)).toHaveLength(3)
      const after = yield* store.snapshot
      expect(yield* after.count()).toBe(0)
      expect(yield* before.count()).toBe(3)
    })
  )

  it.scoped("is refused if the time is none, and nothing is written", () =>
    Effect.gen(function* () {
      const store = yield* memory
      for (const options of [
        { ttl: 0 },
        { ttl: -5 },
        { ttl: "a while" },
        { ttl: {} },
        { expiresAt: -1 },
        { expiresAt: 1.5 },
        { expiresAt: 2 ** 48 },
        { expiresAt: "1" },
        { ttl: 1, expiresAt: 1 }
      ]) {
        const given = options as never
        for (const written of [
          store.put("key", "value", given),
          store.expire("key", given),
          Effect.suspend(() => store.write(WriteBatch.make().put("key", "value", given))),
          Transaction.transact(store, (tx) => tx.put("key", "value", given))
        ]) {
          const error = yield* Effect.flip(written as Effect.Effect<void, unknown>)
          expect(error, JSON.stringify(options)).toBeInstanceOf(LsmError.InvalidArgument)
        }
      }
      expect(yield* Effect.flip(store.expire("key", {}))).toMatchObject({ argument: "options" })
      expect((yield* store.stats).sequence).toBe(0)
    })
  )
})

describe("values that have expired", () => {
  const tuning = { level0Tables: 1 }

  it.effect("leave the files in the background", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 20; i++) yield* store.put(`k${i}`, "v".repeat(i * 300), { ttl: "1 hour" })
            yield* store.compact()
            yield* TestClock.adjust("1 hour")
            // Any background work looks for them.
            yield* store.put("one", "1")
            yield* store.flush
            yield* eventually(store.stats, (now) => now.levels.reduce((n, { entries }) => n + entries, 0) === 1)
            expect((yield* store.stats).valueFiles.count).toBe(0)
          }),
        tuning
      )
    })
  )

  it.effect("do not come back when the clock goes back, also in the next life of the store", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* TestClock.setTime(1_000_000)
      yield* withStore(disk, (store) =>
        Effect.gen(function* () {
          yield* store.put("old", "1")
          yield* store.put("key", "1", { ttl: 1000 })
          yield* store.flush
          yield* TestClock.adjust(1000)
          expect(yield* isThere(store, "key")).toBe(false)
          yield* TestClock.setTime(500_000)
          expect(yield* isThere(store, "key")).toBe(false)
          yield* store.put("later", "1", { ttl: 1000 })
          expect(yield* store.expiresAt("later")).toStrictEqual(Option.some(1_002_000))
        })
      )
      yield* withStore(disk, (store) =>
        Effect.gen(function* () {
          expect(yield* keysOf(store.keys())).toStrictEqual(["later", "old"])
        })
      )
    })
  )

  it.effect("need newer formats only while there are any, and are what a repair keeps", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const levels = { level0Tables: 1000 }
      const write = (store: Store.Store) =>
        Effect.gen(function* () {
          yield* store.put("plain", "1")
          yield* store.flush
          yield* store.put("small", "2", { ttl: "1 hour" })
          yield* store.put("large", "3".repeat(9000), { ttl: "1 hour" })
          yield* store.flush
          yield* store.put("logged", "4", { ttl: "1 hour" })
        })
      yield* withStore(disk, write, levels)
      const files = disk.contents()
      expect(filesNamed(files, ".sst").map((path) => versionOf(files.get(path)!))).toStrictEqual([2, 4])
      expect(yield* errors(disk)).toStrictEqual([])
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      expect(versionOf(files.get(manifest)!)).toBe(3)
      for (const damaged of [files, without(files, manifest)]) {
        const other = diskOf(damaged)
        yield* quietly(LsmStore.repairFromStorage(directory, { into: "/new" }).pipe(Effect.provide(storageOf(other))))
        yield* withStore(
          other,
          (store) =>
            Effect.gen(function* () {
              expect(yield* keysOf(store.keys())).toStrictEqual(["large", "logged", "plain", "small"])
              expect(yield* store.getString("large")).toStrictEqual(some("3".repeat(9000)))
              expect(yield* store.expiresAt("large")).toStrictEqual(Option.some(3_600_000))
            }),
          { directory: "/new" }
        )
      }
      yield* TestClock.adjust("1 hour")
      yield* withStore(disk, (store) => Effect.zipRight(store.compact(), store.compact()))
      yield* withStore(disk, (store) => Effect.zipRight(store.put("plain", "5"), store.compact()))
      const after = disk.contents()
      expect(filesNamed(after, ".sst").map((path) => versionOf(after.get(path)!))).toStrictEqual([2])
      expect(yield* errors(disk)).toStrictEqual([])
    })
  )
})
