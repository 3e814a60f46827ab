import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmStore, type Store } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { makeFaultyStorage, type Operation } from "../support/faultyStorage.js"
import { quietly } from "../support/laboratory.js"

const directory = "/memory"
const isTable = ({ path }: Operation) => path.endsWith(".sst")

/** A store with a table and a log, on storage that can refuse operations. */
const build = Effect.gen(function* () {
  const storage = yield* makeFaultyStorage
  const withStore = <A, E, R>(use: (store: Store.Store) => Effect.Effect<A, E, R>, options = {}) =>
    Effect.flatMap(LsmStore.LsmStore, use).pipe(
      Effect.provide(LsmStore.layerFromStorage({ directory, ...options })),
      Effect.provide(storage.layer)
    )
  yield* withStore((store) =>
    Effect.gen(function* () {
      yield* store.put("in a table", "1")
      yield* store.flush
      yield* store.put("in the log", "2")
    })
  )
  const verify = LsmStore.verifyFromStorage({ directory }).pipe(
    Stream.filter((event) => event._tag !== "Progress"),
    Stream.runCollect,
    Effect.map((events) => [...events]),
    Effect.provide(storage.layer)
  )
  return { storage, withStore, verify }
})

describe("a file that the disk cannot read", () => {
  it.effect("counts as damage, and the rest is verified and kept", () =>
    Effect.gen(function* () {
      const { storage, withStore, verify } = yield* build
      storage.refuse = (operation) => (isTable(operation) && operation.operation === "read" ? "EIO" : undefined)
      const events = yield* verify
      expect(events[0]).toMatchObject({ _tag: "Finding", severity: "error", reason: "read: EIO" })
      expect(events.at(-1)).toMatchObject({ _tag: "Verified", records: 1, entries: 0 })
      // Only the old table is unreadable, not the new one.
      const old = storage.operations.find(isTable)!.path
      storage.refuse = ({ operation, path }) => (path === old && operation === "read" ? "EIO" : undefined)
      yield* withStore(
        (store) =>
          Effect.gen(function* () {
            expect(yield* pairs(store.scan())).toStrictEqual([["in the log", "2"]])
            const { lost } = (yield* store.stats).recovery
            expect(lost.some(({ file }) => file === old)).toBe(true)
          }),
        { recovery: "salvage" }
      )
      storage.refuse = () => undefined
      expect((yield* verify).map(({ _tag }) => _tag)).toStrictEqual(["Verified"])
      expect(storage.open.size).toBe(0)
    }).pipe(quietly)
  )

  it.effect("is not damage if the system is short of a resource", () =>
    Effect.gen(function* () {
      const { storage, withStore, verify } = yield* build
      storage.refuse = (operation) => (isTable(operation) && operation.operation === "open" ? "EMFILE" : undefined)
      expect(yield* Effect.flip(verify)).toMatchObject({ _tag: "StorageError", code: "EMFILE" })
      const salvaging = withStore(() => Effect.void, { recovery: "salvage" })
      expect(yield* Effect.flip(salvaging)).toMatchObject({ _tag: "StorageError", code: "EMFILE" })
      storage.refuse = () => undefined
      expect(storage.open.size).toBe(0)
      yield* withStore((store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("in a table")).toStrictEqual(Option.some("1"))
          expect((yield* store.stats).recovery).toMatchObject({ lost: [], aside: undefined, orphans: [] })
        })
      )
    })
  )

  it.effect("leaves the old store in place if the new one finds no room", () =>
    Effect.gen(function* () {
      const { storage, withStore, verify } = yield* build
      const old = yield* Effect.map(Effect.orDie(storage.service.list(directory)), (names) =>
        names.find((name) => name.endsWith(".sst"))
      )
      const damaged = (operation: Operation) =>
        operation.path.endsWith(`/${old}`) && operation.operation === "read" ? "EIO" : undefined
      storage.refuse = (operation) =>
        damaged(operation) ?? (isTable(operation) && operation.operation === "append" ? "ENOSPC" : undefined)
      const salvaging = withStore((store) => pairs(store.scan()), { recovery: "salvage" })
      expect(yield* Effect.flip(salvaging)).toMatchObject({ _tag: "DiskFull" })
      storage.refuse = () => undefined
      expect((yield* verify).filter((event) => event._tag === "Finding")).toStrictEqual([])
      storage.refuse = damaged
      expect(yield* salvaging).toStrictEqual([["in the log", "2"]])
      expect(storage.open.size).toBe(0)
    }).pipe(quietly)
  )
})
