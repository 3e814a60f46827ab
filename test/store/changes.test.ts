import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import {
  Backup,
  ChangeFeed,
  Checkpoint,
  LsmError,
  LsmStore,
  type OrderedStore,
  OrderedStoreError,
  Storage,
  type Store,
  WriteBatch
} from "effect-lsm"
import { pairs, text, toArray } from "../support/bytes.js"
import { eventually, turn } from "../support/eventually.js"
import { applyChange, changesUntilNow, positionNow, replayed, type View } from "../support/feed.js"
import { diskOf, flip, quietly, withStore } from "../support/laboratory.js"
import * as places from "../support/places.js"
import { checkAsync } from "../support/property.js"

const everything = { changeRetention: { bytes: Number.POSITIVE_INFINITY } }

/** Changes as texts: `put a=1`, `delete a`, `delete [a, b)`. */
const textsOf = (changes: ReadonlyArray<OrderedStore.Change>) =>
  changes.map(({ operations }) =>
    operations.map((operation) => {
      if (operation._tag === "Put") return `put ${text(operation.key)}=${text(operation.value)}`
      if (operation._tag === "Delete") return `delete ${text(operation.key)}`
      return `delete [${text(operation.start)}, ${operation.end === undefined ? "" : text(operation.end)})`
    })
  )

const contentOf = (store: Store.Store) => Effect.map(pairs(store.scan()), (all) => new Map(all))

/** The failure of a feed. */
const failureOf = <A, E>(feed: Stream.Stream<A, E>) => Effect.flip(Stream.runDrain(feed))

describe("the feed of changes", () => {
  it.scoped("has each write once, in order, with batches and transactions whole", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      yield* store.put("a", "1")
      yield* store.delete("b")
      yield* store.write(WriteBatch.make().put("c", "2").delete("a").deleteRange({ start: "x", end: "z" }))
      yield* store.deletePrefix("q")
      yield* store.deleteRange({ start: "zz" })
      yield* store.put("t", "3", { expiresAt: 5_000 })
      yield* store.transact((tx) => Effect.zipRight(tx.put("u", "4"), tx.put("v", "5")))
      yield* store.update("u", () => null)
      const changes = yield* changesUntilNow(store, { from: "oldest" })
      expect(textsOf(changes)).toStrictEqual([
        ["put a=1"],
        ["delete b"],
        ["put c=2", "delete a", "delete [x, z)"],
        ["delete [q, r)"],
        ["delete [zz, )"],
        ["put t=3"],
        ["put u=4", "put v=5"],
        ["delete u"]
      ])
      expect(changes[5]!.operations[0]).toMatchObject({ expiresAt: 5_000 })
      const versions = changes.flatMap(({ operations }) => operations.map(({ version }) => version))
      expect(versions).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      const entry = yield* store.getEntry("v")
      expect(Option.map(entry, ({ version }) => version)).toStrictEqual(Option.some(10))
    })
  )

  it.scoped("goes on from each of its positions, also after the store is opened again", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const open = { ...everything, memtableBytes: 1 }
      let all: ReadonlyArray<OrderedStore.Change> = []
      for (let life = 0; life < 3; life++) {
        all = yield* places.withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              // A store that has not been written since it was opened has its history too.
              expect(textsOf(yield* changesUntilNow(store, { from: "oldest" }))).toStrictEqual(textsOf(all))
              for (let i = 0; i < 5; i++) yield* store.put(`${life}${i}`, "v".repeat(i * 900))
              if (life === 1) yield* store.compact()
              return yield* changesUntilNow(store, { from: "oldest" })
            }),
          open
        )
        expect(all).toHaveLength((life + 1) * 5)
      }
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (const [i, { position }] of all.entries()) {
              expect(yield* changesUntilNow(store, { from: position })).toStrictEqual(all.slice(i + 1))
            }
          }),
        open
      )
    })
  )

  it("rebuilds the store, whatever was written, flushed, compacted and reopened", () => {
    const step = FastCheck.tuple(FastCheck.nat(9), FastCheck.nat(20), FastCheck.nat(3))
    const rebuilt = (steps: ReadonlyArray<readonly [kind: number, key: number, size: number]>) =>
      Effect.gen(function* () {
        const place = yield* places.memory
        const tuning = { ...everything, memtableBytes: 2_000, tableBytes: 500, valueThreshold: 40 }
        let rest = steps
        let last: string | undefined
        const view: View = { entries: new Map(), position: "" }
        do {
          yield* places.withStore(
            place,
            (store) =>
              Effect.gen(function* () {
                while (rest.length > 0) {
                  const [kind, n, size] = rest[0]!
                  rest = rest.slice(1)
                  const key = String(n).padStart(2, "0")
                  if (kind < 4) yield* store.put(key, `${rest.length}`.repeat(1 + size * 30))
                  else if (kind === 4) yield* store.delete(key)
                  else if (kind === 5) yield* store.deleteRange({ start: key, end: String(n + size).padStart(2, "0") })
                  else if (kind === 6) yield* store.flush
                  else if (kind === 7) yield* store.compact()
                  else if (kind === 8) yield* store.write(WriteBatch.make().put(key, "b").put("zz", key).delete("03"))
                  else break
                }
                for (const change of yield* changesUntilNow(store, { from: last ?? "oldest" })) {
                  applyChange(view, change)
                  last = change.position
                }
                const content = yield* contentOf(store)
                expect(new Map([...view.entries].sort())).toStrictEqual(content)
                expect(new Map([...(yield* replayed(store))].sort())).toStrictEqual(content)
              }),
            tuning
          )
        } while (rest.length > 0)
      })
    const property = FastCheck.asyncProperty(FastCheck.array(step, { maxLength: 60 }), (steps) =>
      Effect.runPromise(rebuilt(steps))
    )
    return checkAsync(property, 25)
  })

  it.scoped("is live: a reader that waits gets what is written next", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ memtableBytes: 1 })
      const seen: Array<string> = []
      yield* store.put("before", "0")
      const reader = yield* Effect.fork(
        Stream.runForEach(store.changes(), (change) => Effect.sync(() => seen.push(...textsOf([change]).flat())))
      )
      yield* turn
      yield* turn
      for (let i = 0; i < 300; i++) {
        yield* store.put(`k${i}`, String(i))
        if (i % 50 === 0)
          yield* eventually(
            Effect.sync(() => seen.length),
            (length) => length === i + 1
          )
      }
      yield* eventually(
        Effect.sync(() => seen.length),
        (length) => length === 300
      )
      expect(seen).toStrictEqual(Array.from({ length: 300 }, (_, i) => `put k${i}=${i}`))
      yield* Fiber.interrupt(reader)
    })
  )

  it.scoped("shows nothing that is not durable, and has it synced soon", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ durability: "buffered" })
      const seen: Array<string> = []
      yield* Effect.fork(
        Stream.runForEach(store.changes({ from: "oldest" }), (change) =>
          Effect.sync(() => seen.push(...textsOf([change]).flat()))
        )
      )
      yield* turn
      yield* store.put("a", "1")
      yield* store.put("b", "2")
      for (let i = 0; i < 20; i++) yield* turn
      expect(seen).toStrictEqual([])
      yield* TestClock.adjust("20 millis")
      yield* eventually(
        Effect.sync(() => seen.length),
        (length) => length === 2
      )
      yield* store.put("c", "3")
      yield* TestClock.adjust("20 millis")
      yield* eventually(
        Effect.sync(() => seen.length),
        (length) => length === 3
      )
      yield* store.put("d", "4")
      yield* store.sync
      yield* eventually(
        Effect.sync(() => seen.length),
        (length) => length === 4
      )
      expect(seen).toStrictEqual(["put a=1", "put b=2", "put c=3", "put d=4"])
    })
  )

  it.scoped("begins with the oldest write, also if it is not durable yet", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ durability: "buffered" })
      yield* store.put("a", "1")
      const reader = yield* Effect.fork(Stream.runCollect(Stream.take(store.changes({ from: "oldest" }), 2)))
      for (let i = 0; i < 5; i++) yield* turn
      yield* store.put("b", "2")
      yield* store.sync
      expect(textsOf([...(yield* Fiber.join(reader))])).toStrictEqual([["put a=1"], ["put b=2"]])
    })
  )

  it.scoped("is cut to a prefix, and tells now and then how far it has come", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ memtableBytes: 10_000_000 })
      yield* store.write(WriteBatch.make().put("a1", "1").put("b1", "2").deleteRange({ start: "0", end: "a5" }))
      yield* store.put("b2", "3")
      yield* store.deleteRange({ start: "b", end: "c" })
      yield* store.deleteRange({})
      yield* store.delete("a9")
      const found = yield* changesUntilNow(store, { from: "oldest", prefix: "a" })
      expect(textsOf(found)).toStrictEqual([["put a1=1", "delete [a, a5)"], ["delete [a, b)"], ["delete a9"]])
      for (let i = 0; i < 10_000; i++) yield* store.put("b", "x")
      yield* store.put("a", "last")
      const sparse = yield* changesUntilNow(store, { from: found.at(-1)!.position, prefix: "a" })
      expect(textsOf(sparse)).toStrictEqual([[], [], ["put a=last"]])
      // From such a place it goes on too.
      expect(textsOf(yield* changesUntilNow(store, { from: sparse[1]!.position, prefix: "a" }))).toStrictEqual([
        ["put a=last"]
      ])
    })
  )

  it.scoped("keeps what its retention says, and tells those who come too late", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const write = (store: Store.Store, from: number, to: number) =>
        Effect.gen(function* () {
          for (let i = from; i < to; i++) {
            yield* store.put(`k${i}`, "v".repeat(400))
            yield* store.flush
          }
        })
      const positions: Array<string> = []
      const bySize = { changeRetention: { bytes: 8_000 } }
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            positions.push(yield* positionNow(store))
            yield* write(store, 0, 20)
            positions.push(yield* positionNow(store))
            const kept = yield* changesUntilNow(store, { from: "oldest" })
            expect(kept.length).toBeGreaterThan(3)
            expect(kept.length).toBeLessThan(8)
            const late = yield* failureOf(store.changes({ from: positions[0]! }))
            expect(late).toBeInstanceOf(OrderedStoreError.SequenceTooOld)
            expect(late).toMatchObject({ sequence: 1, oldest: 21 - kept.length })
            expect((late as Error).message).toBe(`the feed has changes from ${21 - kept.length} on, not from 1`)
          }),
        bySize
      )
      const byAge = { changeRetention: { age: "1 hour" } } as const
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* write(store, 20, 25)
            const all = (yield* changesUntilNow(store, { from: "oldest" })).length
            expect(all).toBeGreaterThan(8)
            yield* TestClock.adjust("59 minutes")
            yield* write(store, 25, 26)
            expect(yield* changesUntilNow(store, { from: "oldest" })).toHaveLength(all + 1)
            yield* TestClock.adjust("2 minutes")
            yield* write(store, 26, 27)
            expect(yield* changesUntilNow(store, { from: "oldest" })).toHaveLength(2)
            expect(yield* failureOf(store.changes({ from: positions[1]! }))).toMatchObject({ sequence: 21, oldest: 26 })
          }),
        byAge
      )
      // Without the option, what was kept goes with the next flush.
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* write(store, 27, 29)
          expect(yield* failureOf(store.changes({ from: positions[1]! }))).toMatchObject({ sequence: 21, oldest: 30 })
          // What is written from here on is there again.
          const now = yield* positionNow(store)
          yield* store.put("next", "1")
          expect(textsOf(yield* changesUntilNow(store, { from: now }))).toStrictEqual([["put next=1"]])
        })
      )
    })
  )

  it.scoped("does not wait for a slow reader, who may come too late", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ changeRetention: { bytes: 2_000 } })
      yield* store.put("first", "1")
      const seen: Array<string> = []
      const slow = yield* store.changes({ from: "oldest" }).pipe(
        Stream.rechunk(1),
        Stream.runForEach((change) =>
          Effect.zipRight(
            Effect.sync(() => seen.push(...textsOf([change]).flat())),
            Effect.sleep("1 hour")
          )
        ),
        Effect.flip,
        Effect.fork
      )
      yield* eventually(
        Effect.sync(() => seen.length),
        (length) => length === 1
      )
      for (let i = 0; i < 30; i++) {
        yield* store.put(`k${i}`, "v".repeat(300))
        yield* store.flush
      }
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("1 hour")
        for (let j = 0; j < 20; j++) yield* turn
      }
      const error = yield* Fiber.join(slow)
      expect(error).toBeInstanceOf(OrderedStoreError.SequenceTooOld)
      expect(seen[0]).toBe("put first=1")
    })
  )

  it.scoped("keeps its history where the file system has no hard links", () =>
    Effect.gen(function* () {
      const storage = yield* Storage.makeMemory
      const link = (path: string) => Effect.fail(new LsmError.StorageError({ operation: "link", path, code: "EPERM" }))
      const withoutLinks: Storage.StorageService = { ...storage, link }
      const open = LsmStore.makeFromStorage({ ...everything, directory: "/store", valueThreshold: 1e9 })
      for (let life = 1; life <= 3; life++) {
        yield* Effect.scoped(
          Effect.flatMap(open, (store) =>
            Effect.gen(function* () {
              yield* store.put(`${life}a`, "1")
              yield* store.flush
              yield* store.put(`${life}b`, "2")
              yield* store.flush
              expect(yield* changesUntilNow(store, { from: "oldest" })).toHaveLength(life * 2)
            })
          )
        ).pipe(Effect.provideService(Storage.Storage, withoutLinks))
      }
    })
  )

  it.scoped("has large values, also those that stay in the log", () =>
    Effect.gen(function* () {
      const place = yield* places.memoryWithThread
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 12; i++) {
              yield* store.put(`k${i % 3}`, String(i % 10).repeat(200_000))
              if (i % 4 === 3) yield* store.flush
            }
            yield* store.compact()
            const changes = yield* changesUntilNow(store, { from: "oldest" })
            const values = changes.map(({ operations: [put] }) => (put?._tag === "Put" ? text(put.value) : ""))
            expect(values).toStrictEqual(Array.from({ length: 12 }, (_, i) => String(i % 10).repeat(200_000)))
          }),
        { ...everything, memtableBytes: 1_000_000 }
      )
    })
  )

  it.scoped("ends with the store", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const reader = yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          const waiting = yield* Effect.forkDaemon(failureOf(store.changes()))
          yield* turn
          yield* store.put("a", "1")
          yield* turn
          return { waiting, store }
        })
      )
      expect(yield* Fiber.join(reader.waiting)).toBeInstanceOf(LsmError.StoreClosed)
      expect(yield* failureOf(reader.store.changes())).toBeInstanceOf(LsmError.StoreClosed)
    })
  )

  it.scoped("refuses what is no position, no prefix and no store", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const store = yield* LsmStore.makeMemory()
      for (const from of ["", "no", "0-0-0", `${"0".repeat(32)}-0--1`, 7, {}]) {
        expect(yield* failureOf(store.changes({ from: from as never }))).toMatchObject({
          _tag: "InvalidArgument",
          argument: "from"
        })
      }
      expect(yield* failureOf(store.changes({ prefix: 1 as never }))).toMatchObject({ argument: "prefix" })
      expect(yield* failureOf(store.watch({} as never))).toMatchObject({ argument: "watched" })
      expect(yield* failureOf(store.watch({ key: "a", prefix: "b" } as never))).toMatchObject({ argument: "watched" })
      expect(yield* failureOf(store.watch({ key: 5 as never }))).toMatchObject({ argument: "key" })
      expect(yield* failureOf(ChangeFeed.changes({} as never))).toMatchObject({ argument: "store" })
      expect(yield* Effect.flip(store.positionOf({ sequence: 3 }))).toMatchObject({ argument: "snapshot" })
      for (const changeRetention of [{}, { bytes: -1 }, { age: "never" }, { age: 0 }, 5, { bytes: 1.5 }]) {
        const error = yield* Effect.flip(LsmStore.makeMemory({ changeRetention: changeRetention as never }))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "changeRetention" })
      }
      yield* places.withStore(place, (open) => open.put("a", "1"))
      const storage = yield* Storage.makeMemory
      yield* Effect.scoped(LsmStore.makeFromStorage({ directory: "/store" })).pipe(
        Effect.provideService(Storage.Storage, storage)
      )
      const readOnly = yield* LsmStore.makeFromStorage({ directory: "/store", readOnly: true }).pipe(
        Effect.provideService(Storage.Storage, storage)
      )
      expect(yield* failureOf(readOnly.changes())).toBeInstanceOf(LsmError.StoreReadOnly)
    })
  )
})

describe("a position", () => {
  it.scoped("is of one history: a copy, a restored and another store refuse it", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      const { backup, copy, position, restored } = yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const names = { copy: `${place.directory}-copy`, backup: `${place.directory}-backup` }
            yield* store.put("a", "1")
            const before = yield* positionNow(store)
            yield* store.put("b", "2")
            yield* Checkpoint.make(store, { into: names.copy })
            yield* Stream.runDrain(Backup.make({ from: store, into: names.backup }))
            return { ...names, position: before, restored: `${place.directory}-restored` }
          }),
        everything
      )
      yield* Backup.restore({ from: backup, into: restored })
      for (const directory of [copy, restored]) {
        yield* Effect.scoped(
          Effect.flatMap(LsmStore.make({ ...everything, directory }), (store) =>
            Effect.gen(function* () {
              const error = yield* failureOf(store.changes({ from: position }))
              expect(error).toBeInstanceOf(OrderedStoreError.FeedReset)
              // Its own feed begins with what the copy was made of, or later.
              const own = yield* positionNow(store)
              yield* store.put("c", "3")
              expect(textsOf(yield* changesUntilNow(store, { from: own }))).toStrictEqual([["put c=3"]])
            })
          )
        )
      }
      const other = yield* LsmStore.makeMemory()
      expect(yield* failureOf(other.changes({ from: position }))).toBeInstanceOf(OrderedStoreError.FeedReset)
    })
  )

  it.effect("is refused when the log was cut, or the store salvaged", () =>
    Effect.gen(function* () {
      for (const recovery of ["pointInTime", "salvage"] as const) {
        const disk = diskOf()
        const position = yield* withStore(
          disk,
          (store) =>
            Effect.gen(function* () {
              for (let i = 0; i < 6; i++) yield* store.put(`k${i}`, "v".repeat(100))
              return yield* positionNow(store)
            }),
          everything
        )
        const [log] = [...disk.contents().keys()].filter((path) => path.endsWith(".log"))
        const damaged = diskOf(flip(disk.contents(), log!, 500))
        yield* quietly(
          withStore(
            damaged,
            (store) =>
              Effect.gen(function* () {
                expect((yield* store.stats).recovery.lost.length).toBeGreaterThan(0)
                yield* store.put("x", "1")
                expect(yield* failureOf(store.changes({ from: position }))).toBeInstanceOf(OrderedStoreError.FeedReset)
                const changes = yield* changesUntilNow(store, { from: "oldest" })
                expect(textsOf(changes).at(-1)).toStrictEqual(["put x=1"])
                for (let i = 0; i < 6; i++) yield* store.put(`y${i}`, "v")
                expect(yield* failureOf(store.changes({ from: position }))).toBeInstanceOf(OrderedStoreError.FeedReset)
              }),
            { ...everything, recovery }
          )
        )
      }
    })
  )

  it.scoped("that the store has not reached is refused", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      yield* store.put("a", "1")
      const position = yield* positionNow(store)
      const ahead = position.replace(/-1$/, "-2")
      expect(ahead).not.toBe(position)
      expect(yield* failureOf(store.changes({ from: ahead }))).toBeInstanceOf(OrderedStoreError.FeedReset)
    })
  )

  it.effect("in a damaged part of the history is told as damage", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 6; i++) yield* store.put(`k${i}`, "v".repeat(100))
            yield* store.flush
            yield* store.put("last", "1")
          }),
        everything
      )
      const [kept] = [...disk.contents().keys()].filter((path) => path.endsWith(".changes"))
      yield* withStore(
        diskOf(flip(disk.contents(), kept!, 500)),
        (store) =>
          Effect.gen(function* () {
            const error = yield* failureOf(store.changes({ from: "oldest" }))
            expect(error).toMatchObject({ _tag: "Corruption", file: kept, region: "log frame" })
          }),
        everything
      )
    })
  )
})

describe("watching", () => {
  it.scoped("a key or a prefix gives the operations on it", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const key: Array<OrderedStore.Operation> = []
      const prefix: Array<OrderedStore.Operation> = []
      const note = (into: Array<OrderedStore.Operation>) => (operation: OrderedStore.Operation) =>
        Effect.sync(() => into.push(operation))
      yield* Effect.fork(Stream.runForEach(store.watch({ key: "ab" }), note(key)))
      yield* Effect.fork(Stream.runForEach(store.watch({ prefix: "a" }), note(prefix)))
      for (let i = 0; i < 5; i++) yield* turn
      yield* store.put("ab", "1")
      yield* store.put("abc", "2")
      yield* store.put("b", "3")
      yield* store.deleteRange({ start: "aa", end: "x" })
      yield* store.delete("ab")
      yield* eventually(
        Effect.sync(() => prefix.length),
        (length) => length === 4
      )
      yield* eventually(
        Effect.sync(() => key.length),
        (length) => length === 3
      )
      expect(textsOf([{ position: "", operations: key }])).toStrictEqual([["put ab=1", "delete ab", "delete ab"]])
      expect(textsOf([{ position: "", operations: prefix }])).toStrictEqual([
        ["put ab=1", "put abc=2", "delete [aa, b)", "delete ab"]
      ])
    })
  )
})

describe("a live scan", () => {
  it.scoped("is the range, and then each change to it", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(everything)
      for (let i = 0; i < 10; i++) yield* store.put(`k${i}`, "0")
      yield* store.put("other", "0")
      const events: Array<ChangeFeed.LiveEvent> = []
      yield* Effect.fork(
        Stream.runForEach(ChangeFeed.liveScan(store, { start: "k2", end: "k5" }), (event) =>
          Effect.sync(() => events.push(event))
        )
      )
      yield* eventually(
        Effect.sync(() => events.length),
        (length) => length === 4
      )
      expect(events.map(({ _tag }) => _tag)).toStrictEqual(["Row", "Row", "Row", "Live"])
      yield* store.put("k1", "1")
      yield* store.write(WriteBatch.make().put("k3", "1").put("k9", "1").deleteRange({ start: "k4", end: "kz" }))
      yield* eventually(
        Effect.sync(() => events.length),
        (length) => length === 5
      )
      const [last] = events.slice(-1)
      expect(last?._tag === "Changed" && textsOf([last.change])).toStrictEqual([["put k3=1", "delete [k4, k5)"]])
      // The snapshot of the rows is released.
      expect((yield* store.stats).snapshots).toBe(0)
    })
  )

  it.scoped("kept as a view by a reader that crashes and goes on equals the store", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ ...everything, memtableBytes: 3_000 })
      const views = yield* LsmStore.makeMemory()
      for (let i = 0; i < 50; i++) yield* store.put(`k${i}`, "0")
      /** Applies each change with its position, in one batch. */
      const keep = (change: OrderedStore.Change) => {
        const batch = WriteBatch.make().put("position", change.position)
        for (const operation of change.operations) {
          if (operation._tag === "Put") batch.put(`row ${text(operation.key)}`, operation.value)
          else if (operation._tag === "Delete") batch.delete(`row ${text(operation.key)}`)
        }
        return views.write(batch)
      }
      const begin = ChangeFeed.liveScan(store).pipe(
        Stream.runForEach((event) => {
          if (event._tag === "Row") return views.put(`row ${text(event.entry.key)}`, event.entry.value)
          return event._tag === "Live" ? views.put("position", event.position) : keep(event.change)
        })
      )
      const goOn = (position: string) => Stream.runForEach(store.changes({ from: position }), keep)
      const reader = Effect.flatMap(views.getString("position"), Option.match({ onNone: () => begin, onSome: goOn }))
      let n = 0
      const writeSome = Effect.gen(function* () {
        for (let i = 0; i < 37; i++) {
          n++
          if (n % 3 === 0) yield* store.delete(`k${n % 50}`)
          else yield* store.put(`k${n % 50}`, String(n))
        }
      })
      for (let crash = 0; crash < 12; crash++) {
        const fiber = yield* Effect.fork(reader)
        yield* writeSome
        for (let i = 0; i < crash; i++) yield* turn
        yield* Fiber.interrupt(fiber)
        yield* writeSome
      }
      const end = yield* positionNow(store)
      const fiber = yield* Effect.fork(reader)
      yield* eventually(views.getString("position"), (position) => Option.contains(position, end))
      yield* Fiber.interrupt(fiber)
      const rows = (yield* pairs(views.scan({ prefix: "row " }))).map(([key, value]) => [key.slice(4), value])
      expect(rows).toStrictEqual(yield* pairs(store.scan()))
      expect((yield* toArray(views.scan())).length).toBeGreaterThan(1)
    })
  )
})
