import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { LsmStore, type Store, type StoreEvent, WriteBatch } from "effect-lsm"
import { EventHub } from "../../src/internal/events/eventHub.js"
import { eventually, turn } from "../support/eventually.js"
import { makeFaultyStorage } from "../support/faultyStorage.js"
import { diskOf, quietly, withStore } from "../support/laboratory.js"

type Tag = StoreEvent.StoreEvent["_tag"]
type Of<T extends Tag> = Extract<StoreEvent.StoreEvent, { readonly _tag: T }>

/** Reads the events of a store from now on, until the store closes. */
const listen = (store: Store.Store) =>
  Effect.gen(function* () {
    const seen: Array<StoreEvent.StoreEvent> = []
    const read = Stream.runForEach(store.events, (event) => Effect.sync(() => void seen.push(event)))
    const fiber = yield* Effect.fork(read)
    yield* turn
    const of = <T extends Tag>(tag: T) => seen.filter((event): event is Of<T> => event._tag === tag)
    const until = <T extends Tag>(tag: T, count = 1) =>
      eventually(
        Effect.sync(() => of(tag)),
        (found) => found.length >= count
      )
    return { seen, of, until, fiber }
  })

describe("events", () => {
  it.scoped("tell of flushes, compactions and files, each with its reason and its bytes", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ level0Tables: 2, durability: "buffered" })
      const { of, seen, until } = yield* listen(store)
      for (const key of ["a", "b"]) {
        yield* store.put("both", "v".repeat(100))
        yield* store.put(key, "v")
        yield* store.flush
      }
      yield* until("TableRemoved", 2)
      const stats = yield* store.stats
      const flushed = of("Flushed")
      expect(flushed).toMatchObject([
        { reason: "asked", entries: 2 },
        { reason: "asked", entries: 2 }
      ])
      expect(flushed.reduce((n, { bytes }) => n + bytes, 0)).toBe(stats.written.flush)
      const made = of("TableMade")
      expect(made.map(({ reason, level, entries }) => [reason, level, entries])).toStrictEqual([
        ["flush", 0, 2],
        ["flush", 0, 2],
        ["compaction", 1, 3]
      ])
      expect(made.map(({ table }) => [table]).slice(0, 2)).toStrictEqual(flushed.map(({ tables }) => tables))
      const [compacted] = of("Compacted") as [StoreEvent.Compacted]
      expect(compacted).toMatchObject({
        reason: "tables",
        how: "merged",
        level: 0,
        outputLevel: 1,
        bytes: stats.written.compaction,
        bytesRead: stats.written.flush,
        outputs: [made[2]!.table],
        entriesDropped: 1
      })
      expect([...compacted.inputs].sort()).toStrictEqual(flushed.flatMap(({ tables }) => tables).sort())
      const removed = of("TableRemoved")
      expect(removed.map(({ table }) => table).sort()).toStrictEqual([...compacted.inputs].sort())
      expect(removed.map(({ reason }) => reason)).toStrictEqual(["tables", "tables"])
      expect(seen.every(({ at }) => Number.isInteger(at))).toBe(true)
      expect(seen.every(({ reason }) => reason.length > 0)).toBe(true)
    })
  )

  it.scoped("tell whether a memtable was full, and of tables that move or are dropped unread", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ memtableBytes: 65_536, durability: "buffered" })
      const { of, until } = yield* listen(store)
      for (let i = 0; i < 20; i++) yield* store.put(`k${i}`, new Uint8Array(1000 * i))
      yield* until("Flushed")
      expect(of("Flushed")[0]).toMatchObject({ reason: "full" })
      yield* store.compact()
      yield* until("Compacted")
      const moves = of("Compacted").filter(({ how }) => how === "moved")
      for (const move of moves) expect(move).toMatchObject({ bytes: 0, outputs: move.inputs })
      yield* store.deletePrefix("k")
      yield* store.compact()
      const dropped = yield* eventually(
        Effect.sync(() => of("Compacted").filter(({ how }) => how === "dropped")),
        (found) => found.length > 0
      )
      expect(dropped[0]).toMatchObject({ reason: "covered", outputs: [], bytes: 0 })
      const removals = yield* until("TableRemoved", dropped[0]!.inputs.length)
      expect(removals.some(({ reason }) => reason === "covered")).toBe(true)
    })
  )

  it.scoped("tell of files with values", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ valueThreshold: 1000, durability: "buffered" })
      const { of, until } = yield* listen(store)
      // Half of the log is garbage then, so the flush copies the value.
      yield* store.put("large", new Uint8Array(50_000))
      yield* store.put("large", new Uint8Array(50_000))
      yield* store.flush
      expect(of("ValueFileMade")).toMatchObject([{ reason: "flush" }])
      expect(of("ValueFileMade")[0]!.bytes).toBeGreaterThan(50_000)
      yield* store.delete("large")
      yield* store.compact()
      const [removed] = yield* until("ValueFileRemoved")
      expect(removed).toMatchObject({ reason: "unused", file: of("ValueFileMade")[0]!.file })
    })
  )

  it.scoped("tell of stalls", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      let isFull = false
      storage.refuse = ({ operation, path }) =>
        isFull && operation === "create" && path.endsWith(".sst") ? "ENOSPC" : undefined
      const opened = LsmStore.makeFromStorage({
        directory: "/memory",
        memtableBytes: 65_536,
        maxFrozenMemtables: 1,
        durability: "buffered"
      })
      const store = yield* Effect.provide(opened, storage.layer)
      const { of, until } = yield* listen(store)
      isFull = true
      const batch = () => WriteBatch.make().put("k", new Uint8Array(70_000))
      const writer = yield* Effect.fork(Effect.ignore(Effect.forEach([1, 2, 3, 4], () => store.write(batch()))))
      const [failed] = yield* until("BackgroundError")
      expect(failed).toMatchObject({ work: "flush", times: 1, error: { _tag: "DiskFull" } })
      expect(failed!.reason).toBe(failed!.error.message)
      yield* TestClock.adjust(100)
      const [, again] = yield* until("BackgroundError", 2)
      expect(again).toMatchObject({ work: "flush", times: 2 })
      const [begun] = yield* until("StallBegun")
      expect(begun).toMatchObject({ reason: "frozenMemtables", frozenMemtables: 1, level0Tables: 0 })
      isFull = false
      yield* store.resume
      yield* Fiber.join(writer)
      yield* store.flush
      yield* eventually(Effect.zipRight(TestClock.adjust(1000), turn), () => of("StallEnded").length > 0)
      expect(of("StallEnded")[0]).toMatchObject({ reason: "calm" })
      expect(of("StallEnded")[0]!.millis).toBeGreaterThanOrEqual(1000)
    }).pipe(quietly)
  )

  it.scoped("tell that the store takes no more writes, and of snapshots that are held for long", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      let isBroken = false
      storage.refuse = ({ operation }) => (isBroken && operation === "sync" ? "EIO" : undefined)
      const opened = LsmStore.makeFromStorage({ directory: "/memory", snapshotWarning: "1 minute" })
      const store = yield* Effect.provide(opened, storage.layer)
      const { of, until } = yield* listen(store)
      yield* store.put("a", "1")
      yield* Effect.withSpan(store.snapshot, "export")
      store.unsafeSnapshot()
      yield* TestClock.adjust("2 minutes")
      yield* store.flush
      const [old, byHand] = yield* until("SnapshotTooOld", 2)
      expect(old).toMatchObject({ reason: "notReleased", sequence: 1, heldMillis: 120_000, span: "export" })
      expect(byHand!.line).toContain("events.test.ts")
      isBroken = true
      yield* Effect.flip(store.put("b", "2"))
      yield* Effect.flip(store.put("c", "3"))
      yield* until("Poisoned")
      expect(of("Poisoned")).toMatchObject([{ error: { _tag: "StorageError", code: "EIO" } }])
    }).pipe(quietly)
  )

  it.effect("of the opening come first, however late one begins to read", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const heads: Array<ReadonlyArray<StoreEvent.StoreEvent>> = []
      const head = (store: Store.Store, count: number) =>
        Effect.map(Stream.runCollect(Stream.take(store.events, count)), (events) => void heads.push([...events]))
      yield* withStore(disk, (store) => Effect.zipRight(store.put("a", "1"), head(store, 1)))
      yield* withStore(disk, (store) => head(store, 1))
      // A crash: the log is not closed, and ends in the middle of a record.
      yield* withStore(disk, (store) =>
        Effect.gen(function* () {
          yield* store.put("b", "2")
          const files = new Map(disk.contents())
          // The newest segment may stand ready, with nothing but its header.
          const logs = [...files.keys()].filter((name) => name.endsWith(".log") && endOf(files.get(name)!) > 32)
          const log = logs.sort().at(-1)!
          const bytes = files.get(log)!
          files.set(log, Uint8Array.from([...bytes.slice(0, endOf(bytes)), 7, 7, 7]))
          const crashed = diskOf(files)
          yield* withStore(crashed, (again) =>
            Effect.gen(function* () {
              yield* again.put("c", "3")
              yield* head(again, 3)
              yield* head(again, 3)
            })
          )
        })
      )
      const [first, second, third, fourth] = heads as [
        (typeof heads)[0],
        (typeof heads)[0],
        (typeof heads)[0],
        (typeof heads)[0]
      ]
      expect(first).toMatchObject([{ _tag: "Recovered", reason: "new", records: 0, sequence: 0 }])
      expect(second).toMatchObject([{ _tag: "Recovered", reason: "closed", records: 1, sequence: 1 }])
      expect(third.map(({ _tag }) => _tag)).toStrictEqual(["TornEndDropped", "Recovered", "TableMade"])
      expect(third[0]).toMatchObject({ reason: "log", bytes: 3, offset: expect.any(Number) })
      expect(third[1]).toMatchObject({ reason: "notClosed", records: 2, sequence: 2 })
      expect(fourth).toStrictEqual(third)
    }).pipe(quietly)
  )

  it.effect("end when the store closes, and there are none of a store that has closed", () =>
    Effect.gen(function* () {
      const { fiber, seen, store } = yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* LsmStore.makeMemory()
          const { fiber, seen } = yield* listen(store)
          yield* store.put("a", "1")
          yield* store.flush
          return { fiber, seen, store }
        })
      )
      yield* Fiber.join(fiber)
      expect(seen.some(({ _tag }) => _tag === "Flushed")).toBe(true)
      expect([...(yield* Stream.runCollect(store.events))]).toStrictEqual([])
    })
  )
})

/** Where the zeros behind the content of a file begin. */
const endOf = (bytes: Uint8Array): number => bytes.findLastIndex((byte) => byte !== 0) + 1

describe("the hub of events", () => {
  const emit = (hub: EventHub, file: number) =>
    hub.emit(() => ({ _tag: "ValueFileMade", reason: "flush", file, bytes: 1 }))

  it.effect("holds 1,024 events for a slow reader, and says how many it has dropped", () =>
    Effect.gen(function* () {
      let now = 0
      const hub = new EventHub(() => now++)
      hub.opened()
      const seen: Array<StoreEvent.StoreEvent> = []
      let goOn = false
      const slow = yield* Effect.fork(
        Stream.runForEach(hub.events, (event) =>
          Effect.zipRight(
            Effect.sync(() => void seen.push(event)),
            eventually(
              Effect.sync(() => goOn),
              (may) => may
            )
          )
        )
      )
      const fast = yield* Effect.fork(Stream.runCollect(hub.events))
      yield* turn
      emit(hub, 0)
      yield* turn
      expect(seen).toHaveLength(1)
      for (let i = 1; i <= 3000; i++) {
        emit(hub, i)
        if (i % 500 === 0) yield* turn
      }
      goOn = true
      hub.close()
      yield* Fiber.join(slow)
      expect(seen).toHaveLength(1 + 1 + 1024)
      expect(seen[1]).toStrictEqual({ _tag: "EventsDropped", at: 1976, reason: "tooMany", count: 1976 })
      expect(seen[2]).toMatchObject({ file: 1977 })
      expect(seen.at(-1)).toMatchObject({ file: 3000 })
      expect([...(yield* Fiber.join(fast))].map((event) => (event as StoreEvent.ValueFileMade).file)).toStrictEqual(
        Array.from({ length: 3001 }, (_, i) => i)
      )
    })
  )

  it.effect("keeps 256 events of the opening, and makes none while nobody reads", () =>
    Effect.gen(function* () {
      const hub = new EventHub(() => 0)
      for (let i = 0; i < 1000; i++) emit(hub, i)
      hub.opened()
      let made = 0
      hub.emit(() => {
        made++
        return { _tag: "StallEnded", reason: "calm", level0Tables: 0, frozenMemtables: 0, millis: 0 }
      })
      expect(made).toBe(0)
      for (let reader = 0; reader < 2; reader++) {
        const first = [...(yield* Stream.runCollect(Stream.take(hub.events, 257)))]
        expect(first[0]).toMatchObject({ _tag: "EventsDropped", count: 744 })
        expect(first[1]).toMatchObject({ file: 744 })
        expect(first.at(-1)).toMatchObject({ file: 999 })
      }
      // Those readers have gone.
      hub.emit(() => {
        made++
        return { _tag: "StallEnded", reason: "calm", level0Tables: 0, frozenMemtables: 0, millis: 0 }
      })
      expect(made).toBe(0)
    })
  )
})
