import { readdirSync, readlinkSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LsmStore, type Store, WriteBatch } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { eventually, turn } from "../support/eventually.js"
import { makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"
import { interruption, isInterrupted } from "../support/interruption.js"
import { disk, type Place, withStore } from "../support/places.js"

/** The files in a directory that this process has open. */
const openFiles = (directory: string): ReadonlyArray<string> =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(directory) ? [path] : []
    } catch {
      return []
    }
  })

const expectAllKept = (place: Place, count: number) =>
  Effect.gen(function* () {
    expect(openFiles(place.directory)).toStrictEqual([])
    yield* withStore(place, (store) =>
      Effect.gen(function* () {
        expect(yield* store.count()).toBe(count)
        expect((yield* store.stats).recovery).toMatchObject({ dropped: [], orphans: [] })
      })
    )
    expect(openFiles(place.directory)).toStrictEqual([])
  })

const tuning = { memtableBytes: 1, durability: "buffered", level0Tables: 2 } as const

const work = (store: Store.Store) =>
  Effect.gen(function* () {
    for (let i = 0; i < 20; i++) yield* store.put(`k${i}`, "v")
    yield* pairs(store.scan())
  })

describe("a store is closed by its scope", () => {
  const endings: Record<string, (place: Place) => Effect.Effect<Exit.Exit<unknown, unknown>>> = {
    "a normal end": (place) => Effect.exit(withStore(place, work, tuning)),
    "a failure": (place) =>
      Effect.exit(withStore(place, (store) => Effect.zipRight(work(store), Effect.fail("no")), tuning)),
    "a defect": (place) =>
      Effect.exit(withStore(place, (store) => Effect.zipRight(work(store), Effect.die("no")), tuning)),
    "an interruption": (place) =>
      Effect.gen(function* () {
        const ready = yield* Effect.makeLatch(false)
        const fiber = yield* Effect.fork(
          withStore(
            place,
            (store) => work(store).pipe(Effect.zipRight(ready.open), Effect.zipRight(Effect.never)),
            tuning
          )
        )
        yield* ready.await
        return yield* interruption(fiber)
      })
  }
  for (const [name, end] of Object.entries(endings)) {
    it.scoped(`after ${name}: acknowledged writes are durable, files are closed, the lock is released`, () =>
      Effect.gen(function* () {
        const place = yield* disk
        const exit = yield* end(place)
        expect(Exit.isSuccess(exit)).toBe(name === "a normal end")
        yield* expectAllKept(place, 20)
      })
    )
  }

  it.scoped("when opening is interrupted at any moment", () =>
    Effect.gen(function* () {
      const place = yield* disk
      yield* withStore(place, (store) => store.put("k", "v"))
      for (let turns = 0; turns < 25; turns++) {
        const fiber = yield* Effect.fork(withStore(place, () => Effect.never))
        for (let i = 0; i < turns; i++) yield* turn
        yield* Fiber.interrupt(fiber)
        expect(openFiles(place.directory), `after ${turns} turns`).toStrictEqual([])
      }
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
          expect((yield* store.stats).recovery).toMatchObject({ dropped: [] })
        })
      )
    })
  )

  it.scoped("and every operation then fails with StoreClosed; closing twice is harmless", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const scope = yield* Scope.make()
      const store = Context.get(yield* Layer.buildWithScope(place.open(), scope), LsmStore.LsmStore)
      yield* store.put("k", "v")
      const inner = yield* Scope.make()
      const cursor = yield* Scope.extend(store.cursor(), inner)
      yield* cursor.first
      const snapshot = yield* Scope.extend(store.snapshot, inner)
      const running = yield* Effect.fork(
        Effect.flip(
          Stream.runDrain(
            store.scan({ chunkSize: 1 }).pipe(
              Stream.tap(() => Effect.yieldNow()),
              Stream.forever
            )
          )
        )
      )
      yield* turn
      yield* Scope.close(scope, Exit.void)
      yield* Scope.close(scope, Exit.void)
      const operations: Record<string, Effect.Effect<unknown, unknown, Scope.Scope>> = {
        put: store.put("a", "b"),
        delete: store.delete("a"),
        write: store.write(WriteBatch.make().put("a", "b")),
        get: store.get("k"),
        getString: store.getString("k"),
        getMany: store.getMany(["k"]),
        has: store.has("k"),
        scan: Stream.runDrain(store.scan()),
        collect: store.collect(),
        entries: Stream.runDrain(store.entries({ reverse: true })),
        keys: Stream.runDrain(store.keys()),
        values: Stream.runDrain(store.values()),
        cursor: store.cursor(),
        snapshot: store.snapshot,
        "get from a snapshot": store.get("k", { snapshot }),
        count: store.count(),
        approximateCount: store.approximateCount(),
        approximateSize: store.approximateSize(),
        sync: store.sync,
        flush: store.flush,
        compact: store.compact(),
        stats: store.stats,
        "cursor.next": cursor.next,
        "cursor.current": cursor.current,
        "cursor.take": cursor.take(1),
        "a Stream under way": Fiber.join(running).pipe(Effect.flatMap(Effect.fail)),
        unsafeGet: Effect.try({ try: () => store.unsafeGet("k"), catch: (error) => error }),
        unsafeCursor: Effect.try({ try: () => store.unsafeCursor(), catch: (error) => error }),
        unsafeSnapshot: Effect.try({ try: () => store.unsafeSnapshot(), catch: (error) => error })
      }
      for (const [name, operation] of Object.entries(operations)) {
        expect(yield* Effect.flip(operation), name).toMatchObject({ _tag: "StoreClosed", directory: place.directory })
      }
      yield* store.resume
      // A closed store has no metrics.
      expect(yield* store.prometheus).toBe("")
      yield* Scope.close(inner, Exit.void)
      yield* expectAllKept(place, 1)
    })
  )

  it.scoped("while writers run: acknowledged batches are kept, and no other batch is partial", () =>
    Effect.gen(function* () {
      for (const durability of ["sync", "buffered", { interval: "1 hour" }] as const) {
        const place = yield* disk
        const scope = yield* Scope.make()
        const tuned = { durability, memtableBytes: 1 }
        const store = Context.get(yield* Layer.buildWithScope(place.open(tuned), scope), LsmStore.LsmStore)
        const acknowledged: Array<string> = []
        const writer = (name: string, i: number): Effect.Effect<void, unknown> =>
          Effect.suspend(() => {
            const key = `${name}:${i}`
            return store
              .write(WriteBatch.make().put(`a${key}`, "v").put(`b${key}`, "v"))
              .pipe(
                Effect.zipRight(Effect.sync(() => acknowledged.push(key))),
                Effect.zipRight(turn),
                Effect.zipRight(writer(name, i + 1))
              )
          })
        const writers = yield* Effect.forEach(["x", "y", "z"], (name) => Effect.fork(Effect.flip(writer(name, 0))))
        yield* eventually(
          Effect.sync(() => acknowledged.length),
          (n) => n >= 30
        )
        yield* Scope.close(scope, Exit.void)
        for (const fiber of writers) expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "StoreClosed" })
        yield* withStore(place, (reopened) =>
          Effect.gen(function* () {
            const found = (yield* pairs(reopened.scan())).map(([key]) => key)
            const halves = (letter: string) => found.filter((key) => key.startsWith(letter)).map((key) => key.slice(1))
            expect(halves("a")).toStrictEqual(halves("b"))
            const kept = new Set(halves("a"))
            expect(acknowledged.filter((key) => !kept.has(key))).toStrictEqual([])
          })
        )
      }
    })
  )
})

describe("several stores live in one program", () => {
  class Users extends Context.Tag("Users")<Users, Store.Store>() {}
  class Orders extends Context.Tag("Orders")<Orders, Store.Store>() {}

  it.scoped("with a Tag each", () =>
    Effect.gen(function* () {
      const [here, there] = [yield* disk, yield* disk]
      const program = Effect.gen(function* () {
        const [users, orders] = [yield* Users, yield* Orders]
        yield* users.put("k", "user")
        yield* orders.put("k", "order")
        expect(yield* users.getString("k")).toStrictEqual(Option.some("user"))
        expect(yield* orders.getString("k")).toStrictEqual(Option.some("order"))
        const snapshot = yield* users.snapshot
        expect(yield* Effect.flip(orders.get("k", { snapshot }))).toMatchObject({ _tag: "InvalidArgument" })
      }).pipe(Effect.scoped)
      yield* program.pipe(
        Effect.provide(Layer.scoped(Users, LsmStore.make({ directory: here.directory }))),
        Effect.provide(Layer.scoped(Orders, LsmStore.make({ directory: there.directory })))
      )
      yield* expectAllKept(here, 1)
      yield* expectAllKept(there, 1)
    })
  )

  it.scoped("one opened inside the other", () =>
    Effect.gen(function* () {
      const [outer, inner] = [yield* disk, yield* disk]
      yield* withStore(outer, (a) =>
        Effect.gen(function* () {
          yield* withStore(inner, (b) => Effect.zipRight(a.put("k", "outer"), b.put("k", "inner")))
          expect(openFiles(inner.directory)).toStrictEqual([])
          yield* a.put("l", "still open")
        })
      )
      yield* expectAllKept(outer, 2)
      yield* expectAllKept(inner, 1)
    })
  )

  it.scoped("in the same directory, one after another, from parallel fibers", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const attempt = (n: number): Effect.Effect<void, unknown> =>
        withStore(place, (store) => store.put(`k${n}`, "v")).pipe(
          Effect.catchTag("StoreLocked", () =>
            Effect.zipRight(
              turn,
              Effect.suspend(() => attempt(n))
            )
          )
        )
      yield* Effect.forEach([1, 2, 3, 4, 5], attempt, { concurrency: "unbounded" })
      yield* expectAllKept(place, 5)
    })
  )
})

describe("a write whose fiber is interrupted", () => {
  it.effect("happens completely or not at all", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const open = <A, E>(use: (store: Store.Store) => Effect.Effect<A, E>) => withFaultyStore(storage, use)
      yield* open((store) =>
        Effect.gen(function* () {
          // A write interrupted before it is queued does not happen.
          const early = yield* Effect.fork(store.put("never", "v"))
          expect(isInterrupted(yield* interruption(early))).toBe(true)
          // A write interrupted during its sync continues without its caller.
          let release = (): void => undefined
          const held = new Promise<void>((resolve) => {
            release = resolve
          })
          storage.hold = ({ path }) => (path.endsWith(".log") ? held : undefined)
          const late = yield* Effect.fork(store.write(WriteBatch.make().put("a", "1").put("b", "2")))
          yield* turn
          yield* Fiber.interrupt(late)
          expect(yield* store.count()).toBe(0)
          release()
          storage.hold = () => undefined
          yield* store.put("after", "3")
          expect((yield* pairs(store.scan())).map(([key]) => key)).toStrictEqual(["a", "after", "b"])
        })
      )
      yield* open((store) => Effect.map(store.count(), (count) => expect(count).toBe(3)))
    })
  )
})

describe("layerConfig", () => {
  it.scoped("takes the options from the application's configuration", () =>
    Effect.gen(function* () {
      const { directory } = yield* disk
      const layer = LsmStore.layerConfig({
        directory: Config.string("DIRECTORY"),
        memtableBytes: Config.integer("MEMTABLE").pipe(Config.withDefault(1000))
      })
      const use = Effect.flatMap(LsmStore.LsmStore, (store) => Effect.zipRight(store.put("k", "v"), store.stats))
      const given = ConfigProvider.fromJson({ DIRECTORY: directory })
      const stats = yield* use.pipe(Effect.provide(layer), Effect.withConfigProvider(given))
      expect(stats.directory).toBe(directory)
      const missing = use.pipe(Effect.provide(layer), Effect.withConfigProvider(ConfigProvider.fromJson({})))
      expect(String(yield* Effect.flip(missing))).toMatch(/(Missing data|Expected string)\s+at .*DIRECTORY/)
    })
  )
})
