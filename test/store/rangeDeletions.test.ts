import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { LsmError, LsmStore, type Store, Transaction, WriteBatch } from "effect-lsm"
import { keys as keysOf, text } from "../support/bytes.js"
import { eventually } from "../support/eventually.js"
import {
  directory,
  diskOf,
  errors,
  type Files,
  filesNamed,
  flip,
  quietly,
  storageOf,
  without,
  withStore
} from "../support/laboratory.js"

const memory = LsmStore.makeMemory()
const levels = { memtableBytes: 1, level0Tables: 1000, level0SlowdownTables: 1000, level0StopTables: 1000 }

const fill = (store: Store.Store, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => store.put(name, `value of ${name}`), { discard: true })

const letters = ["a", "aa", "b", "c", "cc", "d"]

/** The keys of a store, by each way of reading them. */
const allKeys = (store: Store.Store) =>
  Effect.gen(function* () {
    const found = yield* keysOf(store.keys())
    expect(yield* keysOf(store.keys({ reverse: true }))).toStrictEqual(found.toReversed())
    expect(yield* store.count()).toBe(found.length)
    for (const key of letters) {
      const isThere = found.includes(key)
      expect(yield* store.has(key), key).toBe(isThere)
      expect(Option.isSome(yield* store.get(key))).toBe(isThere)
      expect(store.unsafeGet(key) !== undefined).toBe(isThere)
      expect(Option.isSome(yield* store.getEntry(key))).toBe(isThere)
      expect((yield* store.getMany([key])).map(Option.isSome)).toStrictEqual([isThere])
    }
    return found
  })

describe("deleting a range", () => {
  const cases: ReadonlyArray<readonly [range: Store.Range, left: ReadonlyArray<string>]> = [
    [{ start: "aa", end: "cc" }, ["a", "cc", "d"]],
    [{ start: "b" }, ["a", "aa"]],
    [{ end: "b" }, ["b", "c", "cc", "d"]],
    [{}, []],
    [{ prefix: "c" }, ["a", "aa", "b", "d"]],
    [{ prefix: "" }, []],
    [{ prefix: "c", start: "ca" }, ["a", "aa", "b", "c", "d"]],
    [{ start: "c", end: "b" }, letters],
    [{ start: "b", end: "b" }, letters],
    [{ start: "b", end: "b\0" }, ["a", "aa", "c", "cc", "d"]],
    [{ end: "" }, letters]
  ]
  for (const [range, left] of cases) {
    it.scoped(`${JSON.stringify(range)} leaves ${left.join(" ") || "nothing"}`, () =>
      Effect.gen(function* () {
        const store = yield* memory
        yield* fill(store, letters)
        yield* store.deleteRange(range)
        expect(yield* allKeys(store)).toStrictEqual(left)
        yield* store.flush
        expect(yield* allKeys(store)).toStrictEqual(left)
        yield* store.compact()
        expect(yield* allKeys(store)).toStrictEqual(left)
        // Later writes are not concerned.
        yield* fill(store, letters)
        expect(yield* allKeys(store)).toStrictEqual(letters)
      })
    )
  }

  it.scoped("counts among the operations of a batch in their order", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, letters)
      const batch = WriteBatch.make()
        .put("b", "before")
        .deletePrefix("b")
        .deleteRange({ start: "cc" })
        .put("d", "after")
      expect(batch.size).toBe(4)
      yield* store.write(batch)
      expect(yield* allKeys(store)).toStrictEqual(["a", "aa", "c", "d"])
      expect(yield* store.getString("d")).toStrictEqual(Option.some("after"))
      expect(WriteBatch.make().deleteRange({ start: "b", end: "a" }).size).toBe(0)
    })
  )

  it.scoped("refuses what is no range, and writes nothing", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ maxKeyBytes: 10 })
      yield* fill(store, letters)
      const before = (yield* store.stats).sequence
      const tooLong: ReadonlyArray<Store.Range> = [{ start: "x".repeat(11) }, { end: "x".repeat(11) }]
      for (const range of [
        undefined,
        null,
        "a",
        [],
        Uint8Array.of(97),
        () => ({}),
        { Prefix: "a" },
        { start: 1 },
        { end: "\ud800" },
        { prefix: {} },
        ...tooLong
      ]) {
        const given = range as never
        const expected = tooLong.includes(given) ? LsmError.LimitExceeded : LsmError.InvalidArgument
        for (const written of [
          Effect.suspend(() => store.deleteRange(given)),
          Effect.suspend(() => store.write(WriteBatch.make().deleteRange(given))),
          Transaction.transact(store, (tx) => tx.deleteRange(given))
        ]) {
          const error = yield* Effect.flip(written as Effect.Effect<void, unknown>)
          expect(error, JSON.stringify(range)).toBeInstanceOf(expected)
        }
      }
      for (const prefix of [undefined, null, 1, {}, "\ud800"]) {
        const given = prefix as never
        expect(yield* Effect.flip(store.deletePrefix(given))).toBeInstanceOf(LsmError.InvalidArgument)
        const batch = WriteBatch.make().deletePrefix(given)
        expect(yield* Effect.flip(store.write(batch))).toBeInstanceOf(LsmError.InvalidArgument)
      }
      expect((yield* store.stats).sequence).toBe(before)
    })
  )

  it.scoped("is one record, whatever the range holds", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, letters)
      const { log, sequence } = yield* store.stats
      expect(log.segmentBytes).toBeGreaterThan(0)
      yield* store.deletePrefix("")
      const after = yield* store.stats
      expect(after.sequence).toBe(sequence + 1)
      expect(after.log.segmentBytes - log.segmentBytes).toBeLessThan(64)
    })
  )

  it.scoped("hides nothing from a snapshot that was taken before, also after a compaction", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, letters)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const before = yield* store.snapshot
          yield* store.deleteRange({ start: "b" })
          const between = yield* store.snapshot
          yield* store.put("c", "new")
          yield* store.deletePrefix("a")
          for (const step of [Effect.void, store.flush, store.compact(), store.compact()]) {
            yield* step
            expect(yield* keysOf(before.keys())).toStrictEqual(letters)
            expect(yield* keysOf(before.keys({ reverse: true }))).toStrictEqual(letters.toReversed())
            expect(yield* before.getString("c")).toStrictEqual(Option.some("value of c"))
            expect(yield* keysOf(between.keys())).toStrictEqual(["a", "aa"])
            expect(yield* between.has("c")).toBe(false)
            expect(yield* allKeys(store)).toStrictEqual(["c"])
          }
        })
      )
      yield* store.compact()
      expect(yield* allKeys(store)).toStrictEqual(["c"])
      const { levels: after } = yield* store.stats
      expect(after.reduce((n, { entries }) => n + entries, 0)).toBe(1)
    })
  )

  it.scoped("hides entries that lookups have cached, also when it is no longer needed", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const many = Array.from({ length: 40 }, (_, i) => `k${i}`)
      yield* fill(store, many)
      yield* store.compact()
      for (let round = 0; round < 5; round++) for (const key of many) yield* store.get(key)
      expect((yield* store.stats).cache.entryHits).toBeGreaterThan(0)
      yield* store.deletePrefix("k")
      for (const step of [Effect.void, store.flush, store.compact()]) {
        yield* step
        for (const key of many) expect(yield* store.has(key)).toBe(false)
      }
    })
  )

  it.scoped("conflicts with what was read of its range, and with nothing else", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, letters)
      const attempt = (read: (tx: Transaction.Transaction) => Effect.Effect<unknown, unknown>, range: Store.Range) =>
        Effect.exit(
          Transaction.transact(
            store,
            (tx) =>
              Effect.gen(function* () {
                yield* read(tx)
                yield* store.deleteRange(range)
                yield* tx.put("out", "1")
              }),
            { retry: Schedule.recurs(0) }
          )
        )
      expect(Exit.isFailure(yield* attempt((tx) => tx.get("x1"), { start: "x", end: "y" }))).toBe(true)
      expect(Exit.isFailure(yield* attempt((tx) => tx.collect({ prefix: "x" }), { start: "x5", end: "z" }))).toBe(true)
      expect(Exit.isFailure(yield* attempt((tx) => tx.get("z1"), { start: "x", end: "y" }))).toBe(false)
      expect(Exit.isFailure(yield* attempt((tx) => tx.collect({ prefix: "y" }), { start: "x5", end: "y" }))).toBe(false)
    })
  )

  it.scoped("is seen by conditional writes at once", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("b", "1")
      const version = Option.getOrThrow(yield* store.getEntry("b")).version
      yield* store.deletePrefix("b")
      expect(yield* Effect.flip(store.write(WriteBatch.make().check("b", version)))).toMatchObject({ actual: "absent" })
      yield* store.write(WriteBatch.make().check("b", "absent").put("b", "2"))
      yield* store.update("b", (value) => `${Option.match(value, { onNone: () => "", onSome: text })}3`)
      expect(yield* store.getString("b")).toStrictEqual(Option.some("23"))
      const [, updated] = yield* Effect.all(
        [store.deletePrefix("b"), store.update("b", (value) => (Option.isSome(value) ? "there" : "absent"))],
        { concurrency: 2 }
      )
      expect(Option.map(updated, text)).toStrictEqual(Option.some("absent"))
    })
  )

  it.scoped("in a transaction is seen by it alone until it is written", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, letters)
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put("bb", "1")
          yield* tx.deleteRange({ start: "b", end: "cc" })
          yield* tx.put("ba", "2")
          const seen = (yield* tx.collect()).map(({ key }) => text(key))
          expect(seen).toStrictEqual(["a", "aa", "ba", "cc", "d"])
          expect((yield* tx.collect({ reverse: true })).map(({ key }) => text(key))).toStrictEqual(seen.toReversed())
          expect(yield* tx.count()).toBe(5)
          expect(yield* tx.has("c")).toBe(false)
          expect(yield* allKeys(store)).toStrictEqual(letters)
        })
      )
      expect(yield* keysOf(store.keys())).toStrictEqual(["a", "aa", "ba", "cc", "d"])
    })
  )
})

describe("tables that a range deletion hides", () => {
  /** Three tables of three keys each. */
  const threeTables = (store: Store.Store) =>
    Effect.gen(function* () {
      for (const prefix of ["a", "b", "c"]) {
        yield* fill(store, [`${prefix}1`, `${prefix}2`, `${prefix}3`])
        yield* store.flush
      }
      yield* store.compact()
    })
  const tuning = { tableBytes: 1, level0Tables: 1000 }

  it.effect("are dropped unread if they lie in the range as a whole", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, threeTables, tuning)
      const before = filesNamed(disk.contents(), ".sst")
      // Nothing can be read of any table: all blocks are damaged.
      let files: Files = disk.contents()
      for (const path of before) for (let at = 40; at < 60; at++) files = flip(files, path, at)
      const damaged = diskOf(files)
      yield* withStore(
        damaged,
        (store) =>
          Effect.gen(function* () {
            yield* store.deleteRange({ start: "a", end: "z" })
            yield* store.flush
            yield* eventually(store.stats, (now) => now.levels.every(({ tables }) => tables === 0))
            expect(yield* allKeys(store)).toStrictEqual([])
          }),
        tuning
      )
      for (const path of before) expect(damaged.contents().has(path)).toBe(false)
    })
  )

  it.effect("stay while a snapshot needs them, and go when it is released", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            yield* threeTables(store)
            yield* Effect.scoped(
              Effect.gen(function* () {
                const before = yield* store.snapshot
                yield* store.deletePrefix("b")
                yield* store.flush
                yield* store.compact()
                expect(yield* before.count()).toBe(9)
              })
            )
            yield* eventually(store.stats, (now) => now.levels.reduce((n, { entries }) => n + entries, 0) === 6)
            expect(yield* store.count()).toBe(6)
          }),
        tuning
      )
    })
  )
})

describe("the files of a store with range deletions", () => {
  const versionOf = (bytes: Uint8Array): number => bytes[8]!
  const versions = (files: Files) => ({
    tables: filesNamed(files, ".sst").map((path) => versionOf(files.get(path)!)),
    manifest: [...files].filter(([path]) => path.includes("MANIFEST")).map(([, bytes]) => versionOf(bytes))
  })

  it.effect("have newer versions only while there are any", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, (store) => Effect.zipRight(fill(store, letters), store.compact()))
      expect(versions(disk.contents())).toStrictEqual({ tables: [2], manifest: [1] })
      yield* withStore(disk, (store) => Effect.zipRight(store.deletePrefix("c"), store.flush), levels)
      expect(versions(disk.contents())).toStrictEqual({ tables: [2, 4], manifest: [3] })
      expect(yield* errors(disk)).toStrictEqual([])
      yield* withStore(disk, (store) => Effect.zipRight(store.compact(), store.compact()))
      yield* withStore(disk, (store) => Effect.asVoid(allKeys(store)))
      yield* withStore(disk, (store) => Effect.zipRight(store.put("a", "1"), store.compact()))
      expect(yield* errors(disk)).toStrictEqual([])
      expect(versions(disk.contents()).manifest).toStrictEqual([1])
    })
  )

  it.effect("tell a repair what was deleted, without the manifest too", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store, letters)
            yield* store.flush
            yield* store.deleteRange({ start: "aa", end: "cc" })
            yield* store.put("b", "new")
            yield* store.flush
            yield* store.deletePrefix("d")
          }),
        levels
      )
      const left = ["a", "b", "cc"]
      const files = disk.contents()
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      for (const damaged of [files, without(files, manifest)]) {
        const other = diskOf(damaged)
        yield* quietly(LsmStore.repairFromStorage(directory, { into: "/new" }).pipe(Effect.provide(storageOf(other))))
        expect(yield* withStore(other, allKeys, { directory: "/new" })).toStrictEqual(left)
        const salvaged = diskOf(damaged)
        expect(yield* quietly(withStore(salvaged, allKeys, { recovery: "salvage" }))).toStrictEqual(left)
      }
    })
  )
})
