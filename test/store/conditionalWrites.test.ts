import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { LsmError, LsmStore, type Store, WriteBatch } from "effect-lsm"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { text } from "../support/bytes.js"
import { eventually } from "../support/eventually.js"
import { openStore } from "../support/openStore.js"
import * as places from "../support/places.js"

const numberOf = (value: Option.Option<Uint8Array>): number => (Option.isSome(value) ? Number(text(value.value)) : 0)
const increment = (value: Option.Option<Uint8Array>) => String(numberOf(value) + 1)
const stringOf = Option.map(text)

const memory = LsmStore.makeMemory()

/** A store whose syncs take many turns, so that records wait for them. */
const slow = Effect.suspend(() =>
  openStore(fromMemoryDisk(new MemoryDisk({}, queueMicrotask, 200)), { directory: "/slow", durability: "sync" })
)

const versionOf = (store: Store.Store, key: string) =>
  Effect.map(store.getEntry(key), (entry) => Option.getOrThrow(entry).version)

describe("update", () => {
  it.scoped("writes what the function returns, and returns the value that the key has then", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const seen: Array<string | undefined> = []
      const update = (key: string, next: string | null | undefined) =>
        Effect.map(
          store.update(key, (value) => {
            seen.push(Option.getOrUndefined(stringOf(value)))
            return next
          }),
          stringOf
        )
      expect(yield* update("k", undefined)).toStrictEqual(Option.none())
      expect(yield* update("k", null)).toStrictEqual(Option.none())
      expect((yield* store.stats).sequence).toBe(0)
      expect(yield* update("k", "1")).toStrictEqual(Option.some("1"))
      expect(yield* update("k", undefined)).toStrictEqual(Option.some("1"))
      yield* store.flush
      expect(yield* update("k", "")).toStrictEqual(Option.some(""))
      expect(yield* update("k", null)).toStrictEqual(Option.none())
      expect(yield* store.has("k")).toBe(false)
      expect(seen).toStrictEqual([undefined, undefined, undefined, "1", "1", ""])
      const bytes = Uint8Array.of(1, 2)
      const returned = Option.getOrThrow(yield* store.update("bytes", () => bytes))
      returned[0] = 9
      bytes[1] = 9
      expect([...Option.getOrThrow(yield* store.get("bytes"))]).toStrictEqual([1, 2])
    })
  )

  it.scoped("writes nothing if the function throws, or returns what is no value", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ maxValueBytes: 10 })
      yield* store.put("k", "1")
      const failing = (f: () => never) => Effect.exit(Effect.suspend(() => store.update("k", f)))
      const died = yield* failing(() => {
        throw new Error("no")
      })
      expect(Exit.isFailure(died) && String(died.cause)).toContain("no")
      for (const [key, value, argument] of [
        ["k", 1 as never, "value"],
        ["k", "\ud800", "value"],
        [2 as never, "x", "key"]
      ] as const) {
        const error = yield* Effect.flip(store.update(key, () => value))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument })
      }
      const long = yield* Effect.flip(store.update("k", () => "x".repeat(11)))
      expect(long).toMatchObject({ _tag: "LimitExceeded", limit: "valueBytes", actual: 11, most: 10 })
      expect(yield* store.getString("k")).toStrictEqual(Option.some("1"))
      const wrote = yield* Effect.flip(
        store.update("k", () => {
          Effect.runSync(store.put("other", "x", { durability: "buffered" }))
          return "2"
        })
      )
      expect(wrote).toMatchObject({ _tag: "InvalidArgument", argument: "f" })
      // A function that writes once sees its write, and is called again.
      let calls = 0
      yield* store.update("k", (value) => {
        if (calls++ === 0) Effect.runSync(store.put("k", "7", { durability: "buffered" }))
        return increment(value)
      })
      expect([calls, yield* store.getString("k")]).toStrictEqual([2, Option.some("8")])
    })
  )

  for (const durability of ["sync", "buffered"] as const) {
    it.scoped(`loses no increment of 64 fibers, ${durability}, beside other writes`, () =>
      Effect.gen(function* () {
        const store = yield* slow
        const options = { durability }
        const fiber = (n: number) =>
          Effect.gen(function* () {
            for (let i = 0; i < 20; i++) {
              yield* store.update("counter", increment, options)
              yield* store.update(`own ${n % 8}`, increment, options)
              if (n % 4 === 0) yield* store.put("other", String(i), options)
              if (n % 16 === 0) yield* store.write(WriteBatch.make().put("x", "1").delete("counter 2"), options)
            }
          })
        yield* Effect.forEach(
          Array.from({ length: 64 }, (_, n) => n),
          fiber,
          { concurrency: "unbounded", discard: true }
        )
        expect(numberOf(yield* store.get("counter"))).toBe(64 * 20)
        for (let n = 0; n < 8; n++) expect(numberOf(yield* store.get(`own ${n}`))).toBe(8 * 20)
        const { log } = yield* store.stats
        if (durability === "sync") expect(log.syncedRecords / log.syncs).toBeGreaterThan(20)
      })
    )
  }

  it.scoped("sees writes that wait for their sync, also the first time", () =>
    Effect.gen(function* () {
      const store = yield* slow
      const first = yield* Effect.fork(store.put("k", "5"))
      yield* Effect.yieldNow()
      expect(numberOf(yield* store.update("k", increment))).toBe(6)
      yield* Fiber.join(first)
      const large = yield* Effect.fork(store.put("large", new Uint8Array(2_000_000).fill(55)))
      const removal = yield* Effect.fork(store.delete("k"))
      yield* Effect.yieldNow()
      expect(yield* store.update("k", (value) => (Option.isNone(value) ? "absent" : "there"))).toStrictEqual(
        Option.some(new TextEncoder().encode("absent"))
      )
      expect(Option.getOrThrow(yield* store.update("large", () => undefined)).length).toBe(2_000_000)
      yield* Effect.all([Fiber.join(large), Fiber.join(removal)])
    })
  )

  it.scoped("returns an unchanged value only when others can read it", () =>
    Effect.gen(function* () {
      const store = yield* slow
      yield* store.update("k", increment)
      const put = yield* Effect.fork(store.put("k", "new"))
      yield* Effect.yieldNow()
      expect(yield* store.getString("k")).toStrictEqual(Option.some("1"))
      const seen = stringOf(yield* store.update("k", () => undefined))
      expect([seen, yield* store.getString("k")]).toStrictEqual([Option.some("new"), Option.some("new")])
      yield* Fiber.join(put)
    })
  )

  it.scoped("is refused by stores that refuse writes", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const closed = yield* places.withStore(place, (store) => Effect.as(store.put("k", "v"), store))
      expect(yield* Effect.flip(closed.update("k", increment))).toBeInstanceOf(LsmError.StoreClosed)
      expect(yield* Effect.flip(closed.compareAndSet("k", Option.none(), Option.none()))).toBeInstanceOf(
        LsmError.StoreClosed
      )
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            expect((yield* Effect.flip(store.update("k", increment)))._tag).toBe("StoreReadOnly")
            expect(yield* versionOf(store, "k")).toBe(1)
          }),
        { readOnly: true } as never
      )
    })
  )
})

describe("compareAndSet", () => {
  it.scoped("writes if the value is the expected one", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const set = (expected: string | undefined, value: string | undefined) =>
        store.compareAndSet("k", optional(expected), optional(value))
      const now = Effect.map(store.getString("k"), Option.getOrUndefined)
      const steps: ReadonlyArray<readonly [string | undefined, string | undefined, boolean, string | undefined]> = [
        ["1", "2", false, undefined],
        [undefined, undefined, true, undefined],
        [undefined, "1", true, "1"],
        [undefined, "2", false, "1"],
        ["2", undefined, false, "1"],
        ["1", "", true, ""],
        ["", "3", true, "3"],
        ["3", "3", true, "3"],
        ["3", undefined, true, undefined]
      ]
      for (const [expected, value, done, after] of steps) {
        expect([yield* set(expected, value), yield* now]).toStrictEqual([done, after])
      }
      const error = yield* Effect.flip(store.compareAndSet("k", Option.some(3 as never), Option.none()))
      expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "expected" })
    })
  )

  it.scoped("refuses what is no Option, no key or no function, and owns its arguments", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("k", "5")
      const [raw, none] = ["5" as never, Option.none()]
      const misuses: ReadonlyArray<readonly [string, Effect.Effect<unknown, LsmError.WriteError>]> = [
        ["value", store.compareAndSet("k", Option.some("5"), raw)],
        ["expected", store.compareAndSet("k", raw, none)],
        ["expected", store.compareAndSet("k", undefined as never, none)],
        ["value", store.compareAndSet("k", none, null as never)],
        ["expected", store.compareAndSet("k", Option.some(-1 as never), none)],
        ["key", store.compareAndSet(-1 as never, none, none)],
        ["key", store.compareAndSet(Symbol("k") as never, none, none)],
        ["key", store.update(-1 as never, () => "x")],
        ["key", store.update(1e10 as never, () => "x")],
        ["f", store.update("k", "x" as never)]
      ]
      for (const [argument, misuse] of misuses) {
        expect(yield* Effect.flip(misuse)).toMatchObject({ _tag: "InvalidArgument", argument })
      }
      expect(yield* store.getString("k")).toStrictEqual(Option.some("5"))
      const key = new TextEncoder().encode("a")
      yield* store.update(key, () => {
        key.fill(98)
        return "x"
      })
      expect([yield* store.has("a"), yield* store.has("b")]).toStrictEqual([true, false])
    })
  )

  it.scoped("lets one of many fibers win", () =>
    Effect.gen(function* () {
      const store = yield* slow
      const winners = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) => store.compareAndSet("leader", Option.none(), Option.some(String(n))),
        { concurrency: "unbounded" }
      )
      expect(winners.filter((won) => won)).toHaveLength(1)
      expect(numberOf(yield* store.get("leader"))).toBe(winners.indexOf(true))
    })
  )
})

const optional = <A>(value: A | undefined): Option.Option<A> =>
  value === undefined ? Option.none() : Option.some(value)

describe("checks of a batch", () => {
  it.scoped("let it be written only if all hold, and name the first that does not", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("a", "1")
      yield* store.put("b", "1")
      const [a, b] = [yield* versionOf(store, "a"), yield* versionOf(store, "b")]
      expect(b).toBeGreaterThan(a)
      yield* store.write(WriteBatch.make().check("a", a).check("b", b).check("c", "absent").put("c", "1"))
      const refused = (batch: WriteBatch.WriteBatch) => Effect.flip(store.write(batch))
      const c = yield* versionOf(store, "c")
      const stale = WriteBatch.make().check("a", a).check("c", "absent").put("a", "2").delete("b")
      const error = yield* refused(stale)
      expect(error).toBeInstanceOf(LsmError.Conflict)
      expect(error).toMatchObject({ _tag: "Conflict", expected: "absent", actual: c })
      expect(text((error as LsmError.Conflict).key)).toBe("c")
      expect(yield* refused(WriteBatch.make().check("b", a))).toMatchObject({ expected: a, actual: b })
      yield* store.delete("b")
      expect(yield* refused(WriteBatch.make().check("b", b).put("x", "1"))).toMatchObject({ actual: "absent" })
      yield* store.write(WriteBatch.make().check("b", "absent").put("b", "2").put("b", "3"))
      expect(yield* store.getString("b")).toStrictEqual(Option.some("3"))
      expect(yield* store.getString("a")).toStrictEqual(Option.some("1"))
      expect(yield* store.has("x")).toBe(false)
      // A batch of checks alone writes nothing.
      const before = (yield* store.stats).sequence
      yield* store.write(WriteBatch.make().check("a", a))
      expect(yield* refused(WriteBatch.make().check("a", "absent"))).toMatchObject({ actual: a })
      expect((yield* store.stats).sequence).toBe(before)
      expect(WriteBatch.make().check("a", 1).clear().put("a", "9").size).toBe(1)
      yield* store.write(stale.clear().put("a", "9"))
      for (const version of [0, -1, 1.5, Number.NaN, "none" as never]) {
        expect(yield* refused(WriteBatch.make().check("a", version))).toMatchObject({ _tag: "InvalidArgument" })
      }
    })
  )

  it.scoped("are decided against what waits for its sync", () =>
    Effect.gen(function* () {
      const store = yield* slow
      const batch = (n: number) => WriteBatch.make().check("slot", "absent").put("slot", String(n))
      const exits = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => Effect.exit(store.write(batch(n))),
        { concurrency: "unbounded" }
      )
      expect(exits.filter(Exit.isSuccess)).toHaveLength(1)
      expect(numberOf(yield* store.get("slot"))).toBe(exits.findIndex(Exit.isSuccess))
      const version = yield* versionOf(store, "slot")
      const removal = yield* Effect.fork(store.delete("slot"))
      yield* Effect.yieldNow()
      expect(yield* Effect.flip(store.write(WriteBatch.make().check("slot", version)))).toMatchObject({
        actual: "absent"
      })
      expect(yield* store.has("slot")).toBe(false)
      yield* Fiber.join(removal)
    })
  )

  it.scoped("know versions in tables, after a compaction and a restart, and as of a snapshot", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const version = yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "x".repeat(5000))
          const first = yield* versionOf(store, "k")
          const snapshot = yield* store.snapshot
          yield* store.put("k", "y".repeat(5000))
          const second = yield* versionOf(store, "k")
          expect(second).toBeGreaterThan(first)
          expect(Option.getOrThrow(yield* store.getEntry("k", { snapshot })).version).toBe(first)
          yield* store.flush
          expect(yield* versionOf(store, "k")).toBe(second)
          expect(Option.getOrThrow(yield* store.getEntry("k", { snapshot }))).toMatchObject({ version: first })
          return second
        }).pipe(Effect.scoped)
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          for (const work of [Effect.void, store.compact(), store.get("k"), store.get("k")]) {
            yield* work
            expect(Option.getOrThrow(yield* store.getEntry("k"))).toStrictEqual({
              version,
              value: new TextEncoder().encode("y".repeat(5000))
            })
          }
          yield* store.write(WriteBatch.make().check("k", version).put("k", "z"))
          expect(yield* Effect.flip(store.write(WriteBatch.make().check("k", version)))).toBeInstanceOf(
            LsmError.Conflict
          )
          expect(yield* store.getEntry("none")).toStrictEqual(Option.none())
        })
      )
    })
  )

  it.scoped("belong to the batch as it was passed, also if the first condition has to wait", () =>
    Effect.gen(function* () {
      const store = yield* slow
      const put = yield* Effect.fork(store.put("other", "1"))
      yield* Effect.yieldNow()
      const batch = WriteBatch.make().check("x", 999_999).put("name", "first")
      const written = yield* Effect.fork(Effect.exit(store.write(batch)))
      yield* Effect.yieldNow()
      batch.clear().put("name", "second")
      expect(Exit.isFailure(yield* Fiber.join(written))).toBe(true)
      expect(yield* store.has("name")).toBe(false)
      yield* Fiber.join(put)
    })
  )

  it.scoped("end, without operations, when others see what they saw; and own their keys", () =>
    Effect.gen(function* () {
      const store = yield* slow
      yield* store.update("k", increment)
      const removal = yield* Effect.fork(store.delete("k"))
      yield* Effect.yieldNow()
      yield* store.write(WriteBatch.make().check("k", "absent"))
      expect(yield* store.has("k")).toBe(false)
      yield* Fiber.join(removal)
      const batch = WriteBatch.make().check("k", 5)
      const conflict = yield* Effect.flip(store.write(batch))
      ;(conflict as LsmError.Conflict).key.fill(0)
      expect(text(((yield* Effect.flip(store.write(batch))) as LsmError.Conflict).key)).toBe("k")
    })
  )

  it.scoped("survive a wait of the batch, and are decided after it", () =>
    Effect.gen(function* () {
      const storage = fromMemoryDisk(new MemoryDisk({}, queueMicrotask, 50))
      const store = yield* openStore(storage, {
        directory: "/small",
        durability: "buffered",
        memtableBytes: 2000,
        maxFrozenMemtables: 1
      })
      const fibers = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, n) => n),
        (n) => {
          const batch = WriteBatch.make()
            .check("once", "absent")
            .put("once", String(n))
            .put(`pad ${n}`, "p".repeat(900))
          const written = Effect.fork(Effect.exit(store.write(batch)))
          // The caller may change the batch as soon as it has been passed on.
          return Effect.tap(written, () =>
            Effect.zipRight(
              Effect.yieldNow(),
              Effect.sync(() => batch.clear())
            )
          )
        }
      )
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      expect(exits.filter(Exit.isSuccess)).toHaveLength(1)
      yield* eventually(store.has("once"), (there) => there)
    })
  )
})
