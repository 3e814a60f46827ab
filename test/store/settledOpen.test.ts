import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { LsmStore, type Store, WriteBatch } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { turn } from "../support/eventually.js"
import { type FaultyStorage, makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"
import { openStore } from "../support/openStore.js"
import * as places from "../support/places.js"

const changing = new Set(["create", "append", "sync", "sync directory", "rename", "remove", "make directory"])

/** The operations since `from` that change the disk. */
const changesSince = (storage: FaultyStorage, from: number) =>
  storage.operations.slice(from).filter(({ operation }) => changing.has(operation))

/** A cleanly closed store with one entry in a table and one in the log. */
const closedStore = Effect.gen(function* () {
  const storage = yield* makeFaultyStorage
  yield* withFaultyStore(storage, (store) =>
    Effect.gen(function* () {
      yield* store.put("a", "1")
      yield* store.flush
      yield* store.put("b", "2")
    })
  )
  return storage
})

const held = [
  ["a", "1"],
  ["b", "2"]
]

const writes: ReadonlyArray<readonly [string, (store: Store.Store) => Effect.Effect<unknown, unknown>]> = [
  ["a put", (store) => store.put("c", "3")],
  ["a delete", (store) => store.delete("a")],
  ["a batch", (store) => store.write(WriteBatch.make().put("c", "3"))],
  ["a flush", (store) => store.flush],
  ["a compaction", (store) => store.compact()]
]

describe("a cleanly closed store", () => {
  it.effect("flushes as it closes, even if all its parts were made in the scope that closes it", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const { service } = storage
      const options = { directory: "/memory", memtableBytes: 1, maxFrozenMemtables: 50 }
      // The first write starts the background fibers. The writes leave more segments than a close
      // may leave, so the close has to flush.
      const use = (store: Store.Store) =>
        Effect.gen(function* () {
          let release = (): void => undefined
          const released = new Promise<void>((resolve) => {
            release = resolve
          })
          storage.hold = ({ path }) => (path.endsWith(".sst") ? released : undefined)
          for (let i = 0; i < 40; i++) yield* store.put(`k${i}`, "v", { durability: "buffered" })
          storage.lift()
          release()
        })
      yield* Effect.scoped(Effect.flatMap(openStore(service, options), use))
      const count = yield* Effect.scoped(Effect.flatMap(openStore(service, options), (store) => store.count()))
      expect(count).toBe(42)
    })
  )

  it.effect("is owned as soon as it is open, before the first write", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const { operations } = storage
      const before = operations.length
      const other = Effect.flip(withFaultyStore(storage, (store) => store.put("c", "theirs")))
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          expect(operations[before]).toMatchObject({ operation: "lock" })
          expect(yield* other).toMatchObject({ _tag: "StoreLocked" })
          yield* store.put("c", "ours")
          expect(yield* other).toMatchObject({ _tag: "StoreLocked" })
        })
      )
      expect(yield* withFaultyStore(storage, (store) => pairs(store.scan()))).toEqual([...held, ["c", "ours"]])
    })
  )

  it.scoped("is opened, read and closed without a change to any file in its directory", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, (store) => store.put("a", "1"))
      const picture = () =>
        readdirSync(place.directory).map((name) => {
          const path = join(place.directory, name)
          const { ino, mtimeNs, ctimeNs, size } = statSync(path, { bigint: true })
          return { name, ino, mtimeNs, ctimeNs, size, bytes: readFileSync(path).toString("hex") }
        })
      const before = picture()
      for (let i = 0; i < 3; i++) {
        yield* places.withStore(place, (store) =>
          Effect.gen(function* () {
            expect(yield* store.getString("a")).toEqual(Option.some("1"))
            // Besides the files there is only the owner's lock.
            const names = readdirSync(place.directory).filter((name) => !before.some((file) => file.name === name))
            expect(names).toEqual(process.platform === "linux" ? [expect.stringMatching(/^LOCK-[0-9a-f]{16}$/)] : [])
          })
        )
        expect(picture()).toEqual(before)
      }
    })
  )

  it.effect("is opened, read and closed without a change on disk", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const before = storage.operations.length
      for (let i = 0; i < 3; i++) {
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            expect(yield* pairs(store.scan())).toEqual(held)
            expect(yield* store.getString("b")).toEqual(Option.some("2"))
            yield* Effect.scoped(Effect.flatMap(store.snapshot, (snapshot) => store.get("a", { snapshot })))
            yield* store.sync
            yield* store.write(WriteBatch.make())
            expect((yield* store.stats).recovery.orphans).toEqual([])
          })
        )
      }
      expect(changesSince(storage, before)).toEqual([])
      expect([...storage.open.values()]).toEqual([])
    })
  )

  for (const [name, write] of writes) {
    it.effect(`accepts ${name} as its first write, and keeps it when it is reopened`, () =>
      Effect.gen(function* () {
        const storage = yield* closedStore
        const then = yield* withFaultyStore(storage, (store) => Effect.zipRight(write(store), pairs(store.scan())))
        expect(yield* withFaultyStore(storage, (store) => pairs(store.scan()))).toEqual(then)
        expect([...storage.open.values()]).toEqual([])
      })
    )

    it.effect(`refuses ${name} on a full disk, and accepts it when there is room`, () =>
      Effect.gen(function* () {
        const storage = yield* closedStore
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            storage.room = storage.used()
            const files = new Set<number>()
            for (let i = 0; i < 20; i++) {
              expect(yield* Effect.flip(write(store))).toMatchObject({ _tag: "DiskFull" })
              expect(yield* pairs(store.scan())).toEqual(held)
              files.add(storage.open.size)
            }
            expect(files.size).toBeLessThan(4)
            storage.lift()
            yield* write(store)
            yield* store.put("z", "26")
          })
        )
        const found = yield* withFaultyStore(storage, (store) => pairs(store.scan()))
        expect(found.at(-1)).toEqual(["z", "26"])
        expect([...storage.open.values()]).toEqual([])
      })
    )
  }

  it.effect("accepts many first writes at once", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
      yield* withFaultyStore(storage, (store) =>
        Effect.forEach(keys, (key) => store.put(key, key), { concurrency: "unbounded", discard: true })
      )
      expect(yield* withFaultyStore(storage, (store) => store.count())).toBe(102)
    })
  )

  it.effect("takes no more writes if a sync fails while it becomes writable", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: ["sync directory"] })
          expect(yield* Effect.flip(store.put("c", "3"))).toMatchObject({ _tag: "StorageError", code: "EIO" })
          const before = storage.operations.length
          expect(yield* Effect.flip(store.put("c", "3"))).toMatchObject({ _tag: "StorePoisoned" })
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "StorePoisoned" })
          expect(changesSince(storage, before)).toEqual([])
          expect(yield* pairs(store.scan())).toEqual(held)
        })
      )
      expect(yield* withFaultyStore(storage, (store) => pairs(store.scan()))).toEqual(held)
    })
  )

  it.effect("can be closed while its first write waits", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const scope = yield* Scope.make()
      const layer = Layer.provide(LsmStore.layerFromStorage({ directory: "/memory" }), storage.layer)
      const store = Context.get(yield* Layer.buildWithScope(layer, scope), LsmStore.LsmStore)
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      storage.hold = ({ path }) => (path.includes("MANIFEST") ? released : undefined)
      const put = yield* Effect.fork(Effect.exit(store.put("c", "3")))
      for (let i = 0; i < 10; i++) yield* turn
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      for (let i = 0; i < 10; i++) yield* turn
      release()
      yield* Fiber.join(closing)
      const exit = yield* Fiber.join(put)
      storage.lift()
      const found = yield* withFaultyStore(storage, (again) => pairs(again.scan()))
      expect(found).toEqual(Exit.isSuccess(exit) ? [...held, ["c", "3"]] : held)
      if (Exit.isFailure(exit)) expect(exit.cause).toMatchObject({ error: { _tag: "StoreClosed" } })
    })
  )

  it.effect("takes no more writes after a defect, and loses nothing", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          let thrown = false
          storage.refuse = ({ operation, path }) => {
            if (thrown || operation !== "remove" || !path.endsWith(".log")) return undefined
            thrown = true
            throw new Error("a defect")
          }
          expect(yield* Effect.flip(store.put("c", "3"))).toMatchObject({ _tag: "StorageError", code: "EUNEXPECTED" })
          expect(yield* Effect.flip(store.put("d", "4"))).toMatchObject({ _tag: "StorePoisoned" })
        })
      )
      storage.lift()
      expect(yield* withFaultyStore(storage, (store) => pairs(store.scan()))).toEqual(held)
      expect([...storage.open.values()]).toEqual([])
    })
  )

  it.effect("loses nothing if a logger throws while it becomes writable", () =>
    Effect.gen(function* () {
      const storage = yield* closedStore
      const broken = Logger.make(({ message }) => {
        if (String(message).includes("removed an orphan")) throw new Error("a defect")
      })
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          // A segment that can be neither written nor removed is an orphan.
          for (const on of ["append", "remove"] as const) {
            storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: [on], path: /\.log$/ })
          }
          for (let i = 0; i < 3; i++) expect(Exit.isFailure(yield* Effect.exit(store.put("c", "3")))).toBe(true)
        })
      ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, broken)))
      storage.lift()
      expect(yield* withFaultyStore(storage, (store) => pairs(store.scan()))).toEqual(held)
    })
  )

  for (const isBegun of [true, false]) {
    it.effect(`writes bytes as they were at the call, ${isBegun ? "in later writes" : "in first writes"}`, () =>
      Effect.gen(function* () {
        const storage = yield* closedStore
        const found = yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            if (isBegun) yield* store.put("a", "1")
            const key = Buffer.from("c")
            const value = Buffer.from("3")
            const gone = Buffer.from("a")
            const batch = WriteBatch.make().put("x", "1")
            const writing = [store.put(key, value), store.delete(gone), store.write(batch)]
            const fibers = yield* Effect.forEach(writing, (write) => Effect.fork(write))
            yield* Effect.yieldNow()
            key.fill("q")
            value.fill("q")
            gone.fill("b")
            batch.clear().put("y", "1")
            yield* Fiber.joinAll(fibers)
            return yield* pairs(store.scan())
          })
        )
        expect(found).toEqual([
          ["b", "2"],
          ["c", "3"],
          ["x", "1"]
        ])
      })
    )
  }

  it.effect("becomes writable as it opens if a compaction is due", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            for (const key of ["a", "b", "c"]) yield* Effect.zipRight(store.put(key, "1"), store.flush)
          }),
        { level0Tables: 100 }
      )
      const before = storage.operations.length
      yield* withFaultyStore(storage, (store) => store.get("a"), { level0Tables: 2 })
      expect(changesSince(storage, before).length).toBeGreaterThan(0)
    })
  )
})
