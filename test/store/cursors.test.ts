import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LsmStore, Storage, type Store, WriteBatch } from "effect-lsm"
import { DeletedGaps } from "../../src/core/cursor/deletedGaps.js"
import { text, toArray } from "../support/bytes.js"
import { turn } from "../support/eventually.js"
import { faultyStorage } from "../support/faultyStorage.js"
import { interruption, isInterrupted } from "../support/interruption.js"
import { openStore } from "../support/openStore.js"
import { memory, withStore } from "../support/places.js"

const buffered = { durability: "buffered" } as const
const keyOf = (i: number) => `k${String(i).padStart(5, "0")}`
const keysOf = (entries: ReadonlyArray<Store.Entry>) => entries.map(({ key }) => text(key))
const keysFrom = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: Math.abs(to - from) }, (_, i) => keyOf(from + (to > from ? i : -i)))

const fill = (store: Store.Store, count: number, valueBytes: number) =>
  Effect.gen(function* () {
    const value = new Uint8Array(valueBytes).fill(7)
    for (let i = 0; i < count; i++) yield* store.put(keyOf(i), value, buffered)
  })

const currentKey = (cursor: Store.Cursor) =>
  Effect.map(cursor.current, (entry) => Option.getOrUndefined(Option.map(entry, ({ key }) => text(key))))

/** A store in memory, and how often it has yielded to the event loop. All values are in tables. */
const counted = Effect.gen(function* () {
  const storage = yield* Storage.makeMemory
  const yields = { count: 0 }
  const counting = Effect.zipRight(
    Effect.sync(() => yields.count++),
    storage.yieldToEventLoop
  )
  const store = yield* openStore(
    { ...storage, yieldToEventLoop: counting },
    {
      directory: "/counted",
      valueThreshold: Number.POSITIVE_INFINITY
    }
  )
  return { store, yields }
})

/** The same, for a store that remembers no gaps of deleted entries, so that every read is long. */
const countedWithoutGaps = Effect.acquireUseRelease(
  Effect.sync(() => {
    const usual = DeletedGaps.leastPassed
    DeletedGaps.leastPassed = Number.POSITIVE_INFINITY
    return usual
  }),
  () => counted,
  (usual) => Effect.sync(() => (DeletedGaps.leastPassed = usual))
)

describe("take", () => {
  it.effect("returns as many entries as requested, of any size, and moves the cursor past them", () =>
    Effect.flatMap(memory, (place) =>
      withStore(place, (store) =>
        Effect.gen(function* () {
          for (const [count, bytes] of [
            [20, 200_000],
            [5000, 10]
          ] as const) {
            yield* fill(store, count, bytes)
            const half = count / 2
            const range = { end: keyOf(count) }
            const cursor = yield* store.cursor(range)
            const unsafe = store.unsafeCursor(range)
            expect(keysOf(yield* cursor.take(half))).toStrictEqual(keysFrom(0, half))
            expect(keysOf(unsafe.take(half))).toStrictEqual(keysFrom(0, half))
            expect([yield* currentKey(cursor), text(unsafe.key()!)]).toStrictEqual([keyOf(half), keyOf(half)])
            expect(keysOf(yield* cursor.take(half, { reverse: true }))).toStrictEqual(keysFrom(half, 0))
            expect(keysOf(unsafe.take(half, { reverse: true }))).toStrictEqual(keysFrom(half, 0))
            expect([yield* currentKey(cursor), text(unsafe.key()!)]).toStrictEqual([keyOf(0), keyOf(0)])
            expect(keysOf(yield* cursor.take(1, { reverse: true }))).toStrictEqual([keyOf(0)])
            expect([yield* cursor.take(1), yield* cursor.take(1, { reverse: true })]).toStrictEqual([[], []])
            const fromBehind = yield* store.cursor(range)
            expect(keysOf(yield* fromBehind.take(count + 7, { reverse: true }))).toStrictEqual(
              [...keysFrom(0, count)].reverse()
            )
            expect(yield* currentKey(fromBehind)).toBeUndefined()
            expect(keysOf(unsafe.take(Number.POSITIVE_INFINITY))).toStrictEqual(keysFrom(0, count))
            expect(unsafe.valid).toBe(false)
            unsafe.close()
          }
        }).pipe(Effect.scoped)
      )
    )
  )

  it.scoped("keeps failing after a failed read, as steps do, until the cursor seeks again", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage()
      const store = yield* openStore(storage.service, { directory: "/faulty", blockCacheBytes: 0 })
      yield* fill(store, 3000, 100)
      yield* store.flush
      const fault = { _tag: "StorageError", code: "EMFILE" }
      const wrong = 7 as unknown as string
      for (const reverse of [false, true]) {
        const cursor = yield* store.cursor()
        const unsafe = store.unsafeCursor()
        const first = yield* cursor.take(100, { reverse })
        expect(unsafe.take(100, { reverse })).toStrictEqual(first)
        storage.refuse = ({ operation }) => (operation === "read" ? "EMFILE" : undefined)
        expect(yield* Effect.flip(cursor.take(1000, { reverse }))).toMatchObject(fault)
        expect(() => unsafe.take(1000, { reverse })).toThrowError(expect.objectContaining(fault))
        storage.lift()
        // A seek with an invalid argument does not clear the failure.
        expect(yield* Effect.flip(cursor.seek(wrong))).toMatchObject({ _tag: "InvalidArgument" })
        for (const again of [cursor.take(1000, { reverse }), cursor.take(1), cursor.next, cursor.prev]) {
          expect(yield* Effect.flip<unknown, unknown, never>(again)).toMatchObject(fault)
        }
        for (const again of [() => unsafe.take(1, { reverse }), () => unsafe.next(), () => unsafe.prev()]) {
          expect(again).toThrowError(expect.objectContaining(fault))
        }
        expect([yield* currentKey(cursor), unsafe.key()]).toStrictEqual([undefined, undefined])
        expect([yield* cursor.seek(keyOf(500)), unsafe.seek(keyOf(500))]).toStrictEqual([true, true])
        const rest = reverse ? 501 : 2500
        expect(yield* cursor.take(5000, { reverse })).toHaveLength(rest)
        expect(unsafe.take(5000, { reverse })).toHaveLength(rest)
        unsafe.close()
      }
    })
  )

  it.scoped("leaves the cursor where it was if it is interrupted between slices", () =>
    Effect.gen(function* () {
      const { store } = yield* counted
      yield* fill(store, 9000, 10)
      for (const reverse of [false, true]) {
        const cursor = yield* store.cursor()
        const wait = yield* Effect.fork(cursor.take(9000, { reverse }))
        yield* Effect.yieldNow()
        expect(isInterrupted(yield* interruption(wait))).toBe(true)
        expect(yield* currentKey(cursor)).toBeUndefined()
        expect(yield* reverse ? cursor.prev : cursor.next).toBe(true)
        yield* cursor.seek(keyOf(4000))
        const again = yield* Effect.fork(cursor.take(4000, { reverse }))
        yield* Effect.yieldNow()
        expect(isInterrupted(yield* interruption(again))).toBe(true)
        expect(yield* currentKey(cursor)).toBe(keyOf(4000))
        expect(keysOf(yield* cursor.take(4000, { reverse }))).toStrictEqual(keysFrom(4000, reverse ? 0 : 8000))
      }
    })
  )
})

describe("a scan of large values", () => {
  it.scoped("yields to the event loop after some mebibytes", () =>
    Effect.gen(function* () {
      const { store, yields } = yield* counted
      for (let i = 0; i < 40; i++) yield* store.put(`k${i}`, new Uint8Array(500_000), buffered)
      yields.count = 0
      expect((yield* Stream.runCollect(store.scan())).length).toBe(40)
      expect(yields.count).toBeGreaterThanOrEqual(3)
    })
  )
})

describe("deleted and superseded entries that a read passes over", () => {
  const deleted = 40_000
  /** Writes the first and the last key, and deletes many keys between them. */
  const prepare = (store: Store.Store, inTables: boolean) =>
    Effect.gen(function* () {
      const batch = WriteBatch.make().put("a", "1").put("z", "2")
      for (let i = 0; i < deleted; i++) batch.delete(keyOf(i))
      yield* store.write(batch, buffered)
      if (inTables) yield* store.flush
    })
  const enough = Math.floor(deleted / 4096)

  for (const inTables of [false, true]) {
    it.scoped(`make the read yield to the event loop, ${inTables ? "in tables" : "in memory"}`, () =>
      Effect.gen(function* () {
        const { store, yields } = yield* countedWithoutGaps
        yield* prepare(store, inTables)
        const between = { start: "b", end: "y" }
        const cursor = yield* store.cursor()
        const reads: Record<string, Effect.Effect<unknown, unknown, Scope.Scope>> = {
          collect: Effect.map(store.collect({ start: "b", limit: 1 }), (found) => expect(keysOf(found)).toEqual(["z"])),
          "collect in reverse": Effect.map(store.collect({ reverse: true }), (found) => expect(found).toHaveLength(2)),
          "collect nothing": Effect.map(store.collect(between), (found) => expect(found).toEqual([])),
          scan: Effect.map(toArray(store.scan()), (found) => expect(keysOf(found)).toEqual(["a", "z"])),
          "scan nothing": Effect.map(toArray(store.scan(between)), (found) => expect(found).toEqual([])),
          "keys in reverse": Effect.map(toArray(store.keys({ reverse: true })), (found) =>
            expect(found).toHaveLength(2)
          ),
          "head of a Stream": Stream.runHead(store.values({ start: "b", chunkSize: 1 })),
          count: Effect.map(store.count(), (found) => expect(found).toBe(2)),
          seek: Effect.map(cursor.seek("b"), (found) => expect(found).toBe(true)),
          seekBefore: Effect.map(cursor.seekBefore("z"), (found) => expect(found).toBe(true)),
          next: Effect.map(cursor.next, (found) => expect(found).toBe(true)),
          prev: Effect.map(cursor.prev, (found) => expect(found).toBe(true)),
          take: Effect.map(cursor.take(2), (found) => expect(keysOf(found)).toEqual(["a", "z"])),
          "take in reverse": Effect.zipRight(
            cursor.last,
            Effect.map(cursor.take(2, { reverse: true }), (found) => expect(keysOf(found)).toEqual(["z", "a"]))
          )
        }
        for (const [name, read] of Object.entries(reads)) {
          yields.count = 0
          yield* read
          expect(yields.count, name).toBeGreaterThanOrEqual(enough)
          expect(yields.count, name).toBeLessThan(enough * 3)
        }
      })
    )
  }

  it.scoped("count by their bytes: a few large values make the read yield too", () =>
    Effect.gen(function* () {
      const { store, yields } = yield* counted
      yield* store.put("a", "1")
      const snapshots = yield* Effect.forEach(Array.from({ length: 10 }), () =>
        Effect.zipRight(store.put("k", new Uint8Array(1_000_000), buffered), store.snapshot)
      )
      yield* store.flush
      yield* store.delete("k")
      yields.count = 0
      expect(yield* store.collect({ snapshot: snapshots[9] })).toHaveLength(2)
      expect(keysOf(yield* store.collect({ start: "a" }))).toEqual(["a"])
      expect(yields.count).toBeGreaterThanOrEqual(5)
    })
  )

  it.scoped("leave the cursor where it was if the move is interrupted", () =>
    Effect.gen(function* () {
      const { store } = yield* countedWithoutGaps
      yield* prepare(store, false)
      const cursor = yield* store.cursor()
      const interrupted = (move: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(move)
          yield* Effect.yieldNow()
          expect(isInterrupted(yield* interruption(fiber))).toBe(true)
        })
      yield* interrupted(cursor.seek("b"))
      expect(yield* currentKey(cursor)).toBeUndefined()
      expect([yield* cursor.next, yield* currentKey(cursor)]).toEqual([true, "a"])
      for (const move of [cursor.next, cursor.seek("b"), cursor.take(2), cursor.take(1)]) {
        yield* interrupted(move)
        expect(yield* currentKey(cursor)).toBe("a")
      }
      yield* interrupted(cursor.next)
      expect([yield* cursor.next, yield* currentKey(cursor)]).toEqual([true, "z"])
      for (const move of [cursor.prev, cursor.seekBefore("y"), cursor.take(2, { reverse: true })]) {
        yield* interrupted(move)
        expect(yield* currentKey(cursor)).toBe("z")
      }
      yield* interrupted(cursor.prev)
      expect(keysOf(yield* cursor.take(3, { reverse: true }))).toEqual(["z", "a"])
    })
  )

  it.scoped("are passed over once, also if others write meanwhile", () =>
    Effect.gen(function* () {
      const { store, yields } = yield* counted
      yield* prepare(store, false)
      const count = yield* Effect.fork(store.count())
      for (let i = 0; yields.count < enough; i++) yield* store.put(`zz${i}`, "3")
      expect(yield* Fiber.join(count)).toBeLessThan(10_000)
      yields.count = 0
      expect(yield* store.collect({ limit: 2 })).toHaveLength(2)
      expect(yields.count).toBe(0)
    })
  )

  it.scoped("are passed over once", () =>
    Effect.gen(function* () {
      const { store, yields } = yield* counted
      yield* prepare(store, false)
      expect(yield* store.count({ start: "b", end: "y" })).toBe(0)
      expect(yields.count).toBeGreaterThanOrEqual(enough)
      yields.count = 0
      const cursor = yield* store.cursor()
      for (let i = 0; i < 3; i++) {
        expect(keysOf(yield* store.collect())).toEqual(["a", "z"])
        expect(keysOf(yield* store.collect({ reverse: true }))).toEqual(["z", "a"])
        expect(keysOf(yield* store.collect({ start: keyOf(17), limit: 1 }))).toEqual(["z"])
        expect([yield* cursor.seekBefore("y"), yield* currentKey(cursor)]).toEqual([true, "a"])
      }
      expect(yields.count).toBe(0)
      yield* store.put(keyOf(21), "3")
      yield* store.flush
      yield* store.delete("z")
      expect(keysOf(yield* store.collect())).toEqual(["a", keyOf(21)])
      expect(keysOf(yield* store.collect({ reverse: true }))).toEqual([keyOf(21), "a"])
      expect([yield* cursor.seekBefore("y"), yield* currentKey(cursor)]).toEqual([true, "a"])
    })
  )

  it.scoped("are no longer than the range that a reader has seen", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const names = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}${100 + i}`)
      const fill = WriteBatch.make()
      const wipe = WriteBatch.make()
      for (const name of [...names("a", 50), ...names("c", 41)]) {
        fill.put(name, "x")
        wipe.delete(name)
      }
      yield* store.write(fill)
      yield* store.flush
      yield* store.write(wipe)
      yield* store.flush
      // A table of its own, which the reader of the prefix "c" does not open.
      yield* store.put("b", "still here")
      yield* store.flush
      yield* store.count({ prefix: "a" })
      yield* store.collect({ prefix: "c", reverse: true })
      expect((yield* store.collect()).map(({ key }) => text(key))).toStrictEqual(["b"])
      expect(yield* store.count()).toBe(1)
    })
  )
})

it.scoped("a long Stream yields to the event loop", () =>
  Effect.gen(function* () {
    const { store, yields } = yield* counted
    yield* fill(store, 40_000, 10)
    yields.count = 0
    expect(yield* Stream.runCount(store.scan())).toBe(40_000)
    expect(yields.count).toBeGreaterThanOrEqual(2)
  })
)

describe("an unsafe cursor", () => {
  it.effect("moves like a safe cursor, and returns copies", () =>
    Effect.flatMap(memory, (place) =>
      withStore(place, (store) =>
        Effect.gen(function* () {
          for (const key of ["a", "b", "c", "d"]) yield* store.put(key, `value of ${key}`)
          yield* store.delete("c")
          const cursor = store.unsafeCursor({ end: "e" })
          yield* store.put("aa", "later")
          expect([cursor.valid, cursor.key(), cursor.value()]).toEqual([false, undefined, undefined])
          expect([cursor.next(), text(cursor.key()!), text(cursor.value()!)]).toEqual([true, "a", "value of a"])
          cursor.key()!.fill(0)
          cursor.value()!.fill(0)
          expect([text(cursor.key()!), text(cursor.value()!)]).toEqual(["a", "value of a"])
          expect([cursor.next(), text(cursor.key()!)]).toEqual([true, "b"])
          expect([cursor.next(), text(cursor.key()!)]).toEqual([true, "d"])
          expect([cursor.prev(), text(cursor.key()!), text(cursor.value()!)]).toEqual([true, "b", "value of b"])
          expect([cursor.seek("bb"), text(cursor.key()!)]).toEqual([true, "d"])
          expect([cursor.seekBefore("d"), text(cursor.key()!)]).toEqual([true, "b"])
          expect([cursor.last(), text(cursor.key()!), cursor.next(), cursor.valid]).toEqual([true, "d", false, false])
          expect([cursor.first(), text(cursor.key()!), cursor.prev(), cursor.next()]).toEqual([true, "a", false, false])
          expect(() => cursor.seek("\ud800")).toThrowError(expect.objectContaining({ _tag: "InvalidArgument" }))
          expect(() => cursor.take(-1)).toThrowError(expect.objectContaining({ argument: "count" }))
          cursor.close()
          cursor.close()
          for (const use of [() => cursor.valid, () => cursor.next(), () => cursor.take(1), () => cursor.key()]) {
            expect(use).toThrowError(expect.objectContaining({ _tag: "InvalidArgument", argument: "cursor" }))
          }
          const bad = { prefix: 1 } as unknown as Store.Range
          expect(() => store.unsafeCursor(bad)).toThrowError(expect.objectContaining({ argument: "prefix" }))
        })
      )
    )
  )

  it.effect("has no values with keysOnly, like a safe cursor", () =>
    Effect.flatMap(memory, (place) =>
      withStore(place, (store) =>
        Effect.gen(function* () {
          yield* fill(store, 10, 100)
          for (const round of ["memory", "table"]) {
            const cursor = store.unsafeCursor({ keysOnly: true })
            const other = yield* store.cursor({ keysOnly: true })
            for (const reverse of [false, true]) {
              const keys = reverse ? keysFrom(9, -1) : keysFrom(0, 10)
              for (const entries of [cursor.take(20, { reverse }), yield* other.take(20, { reverse })]) {
                expect(keysOf(entries), round).toStrictEqual(keys)
                for (const { value } of entries) expect(value).toHaveLength(0)
              }
              expect(reverse ? cursor.first() : cursor.last()).toBe(true)
              expect(yield* reverse ? other.first : other.last).toBe(true)
              expect(cursor.value()).toHaveLength(0)
              expect(Option.getOrThrow(yield* other.current).value).toHaveLength(0)
            }
            cursor.close()
            yield* store.flush
          }
        }).pipe(Effect.scoped)
      )
    )
  )

  it.effect("and an unsafe snapshot see the same data until they are closed", () =>
    Effect.gen(function* () {
      const storage = yield* Storage.makeMemory
      const scope = yield* Scope.make()
      const store = yield* Scope.extend(openStore(storage, { directory: "/store" }), scope)
      const tables = Effect.map(Effect.orDie(storage.list("/store")), (names) =>
        names.filter((n) => n.endsWith(".sst"))
      )
      yield* fill(store, 10, 10)
      yield* store.flush
      const before = yield* tables
      const cursor = store.unsafeCursor()
      const snapshot = store.unsafeSnapshot()
      for (let i = 0; i < 10; i++) yield* store.delete(keyOf(i))
      yield* store.compact()
      expect(yield* tables).toEqual(expect.arrayContaining([...before]))
      expect([cursor.take(100).length, yield* store.count({ snapshot }), yield* store.count()]).toEqual([10, 10, 0])
      expect((yield* store.stats).snapshots).toBe(1)
      cursor.close()
      snapshot.close()
      snapshot.close()
      expect((yield* store.stats).snapshots).toBe(0)
      expect(yield* Effect.flip(store.count({ snapshot }))).toMatchObject({ argument: "snapshot" })
      for (let i = 0; i < 5; i++) yield* turn
      for (const name of before) expect(yield* tables).not.toContain(name)
      // Cursors and snapshots that the caller never closed end with the store.
      yield* fill(store, 10, 10)
      yield* store.flush
      const kept = yield* tables
      const forgotten = store.unsafeCursor()
      const forgottenSnapshot = store.unsafeSnapshot()
      yield* fill(store, 10, 11)
      yield* store.compact()
      expect(yield* tables).toEqual(expect.arrayContaining([...kept]))
      yield* Scope.close(scope, Exit.void)
      for (const name of kept) expect(yield* tables).not.toContain(name)
      for (const use of [() => forgotten.next(), () => store.unsafeCursor(), () => store.unsafeSnapshot()]) {
        expect(use).toThrowError(expect.objectContaining({ _tag: "StoreClosed" }))
      }
      expect(yield* Effect.flip(store.get("k", { snapshot: forgottenSnapshot }))).toMatchObject({ _tag: "StoreClosed" })
      forgotten.close()
      forgottenSnapshot.close()
    })
  )

  it.effect("ends like a safe cursor, which fails with InvalidArgument once its scope has closed", () =>
    Effect.flatMap(memory, (place) =>
      withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          const cursor = yield* Effect.scoped(Effect.tap(store.cursor(), (open) => open.first))
          for (const use of [cursor.current, cursor.next, cursor.take(1), cursor.seek("a")]) {
            expect(yield* Effect.flip<unknown, unknown, never>(use)).toMatchObject({ argument: "cursor" })
          }
        })
      )
    )
  )
})
