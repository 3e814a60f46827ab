import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { syncDirectory } from "../../src/core/storage/nodeDirectory.js"
import { pairs } from "../support/bytes.js"
import { eventually, turn } from "../support/eventually.js"
import { type FaultyStorage, faultyStorage, makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"

const log = /\.log$/
const table = /\.sst$/
const manifest = /MANIFEST/

/** Advances the clock by 200 seconds, and lets work that is due run. */
const pass = Effect.gen(function* () {
  for (let i = 0; i < 20; i++) {
    yield* TestClock.adjust("10 seconds")
    for (let j = 0; j < 10; j++) yield* turn
  }
})

/** The content of the store after a power cut now. */
const afterPowerCut = (storage: FaultyStorage) =>
  Effect.flatMap(faultyStorage({ files: storage.afterPowerCut() }), (left) =>
    withFaultyStore(left, (store) => pairs(store.scan()))
  )

describe("after a failed sync or a short append of the log", () => {
  for (const [name, fault, code, options] of [
    ["a failed sync", { fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: log }, "EIO"],
    [
      "a failed sync in the calling thread",
      { fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: log },
      "EIO",
      { syncsHere: true }
    ],
    ["a sync without room", { fault: { _tag: "Refuse", code: "ENOSPC" }, on: ["sync"], path: log }, undefined],
    ["a short append", { fault: { _tag: "Short" }, on: ["append"], path: log }, "EIO"]
  ] as const) {
    it.effect(`${name}: the store takes no writes, reads continue, and nothing is retried`, () =>
      Effect.gen(function* () {
        const storage = yield* faultyStorage(options)
        yield* withFaultyStore(
          storage,
          (store) =>
            Effect.gen(function* () {
              for (const key of ["a", "b"]) yield* Effect.zipRight(store.put(key, "1"), store.flush)
              yield* store.put("c", "1")
              storage.inject(fault)
              expect(yield* Effect.flip(store.put("lost", "1"))).toMatchObject(
                code === undefined ? { _tag: "DiskFull" } : { _tag: "StorageError", code }
              )
              storage.lift()
              const before = storage.operations.length
              for (const write of [store.put("d", "1"), store.delete("a"), store.flush, store.compact(), store.sync]) {
                expect(yield* Effect.flip(write)).toMatchObject({ _tag: "StorePoisoned" })
              }
              yield* store.resume
              yield* pass
              expect(yield* pairs(store.scan())).toStrictEqual([
                ["a", "1"],
                ["b", "1"],
                ["c", "1"]
              ])
              const after = storage.operations.slice(before).map(({ operation }) => operation)
              expect(after.filter((operation) => operation !== "open" && operation !== "read")).toEqual([])
            }),
          { level0Tables: 2 }
        )
        expect([...storage.open.values()]).toEqual([])
      })
    )
  }

  it.effect("a reopen recovers into new files: a power cut then loses nothing that was read or acknowledged", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("kept", "1")
          storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: log })
          expect(yield* Effect.flip(store.put("unknown", "1"))).toMatchObject({ _tag: "StorageError", code: "EIO" })
        })
      )
      storage.lift()
      const session = storage.operations.length
      // The operating system has the record in its cache, and regards it as written.
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("unknown")).toStrictEqual(Option.some("1"))
          yield* store.put("later", "1")
        })
      )
      const created = new Set<string>()
      for (const { operation, path } of storage.operations.slice(session)) {
        if (operation === "create") created.add(path)
        if (operation === "append") expect(created, path).toContain(path)
      }
      expect(yield* afterPowerCut(storage)).toStrictEqual([
        ["kept", "1"],
        ["later", "1"],
        ["unknown", "1"]
      ])
    })
  )
})

describe("a failed sync of background work", () => {
  it.effect("of a table on a full disk: the table is rewritten under another name, and writes continue", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "1")
          storage.inject({ fault: { _tag: "Refuse", code: "ENOSPC" }, on: ["sync"], path: table })
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull", operation: "sync" })
          expect(yield* store.getString("k")).toStrictEqual(Option.some("1"))
          yield* store.put("k", "2")
          yield* pass
          expect(yield* store.stats).toMatchObject({ flushes: 1, poisoned: undefined, backgroundError: undefined })
          yield* store.flush
        })
      )
      const synced = storage.operations.filter(({ operation, path }) => operation === "sync" && table.test(path))
      expect(new Set(synced.map(({ path }) => path)).size).toBe(synced.length)
      expect(synced.length).toBe(3)
      expect(yield* afterPowerCut(storage)).toStrictEqual([["k", "2"]])
    })
  )

  it.effect("of a manifest on a full disk: a new manifest is started, and the old one is not synced again", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "1")
          const manifests = () =>
            storage.operations
              .filter(({ operation, path }) => operation === "sync" && manifest.test(path))
              .map(({ path }) => path)
          const before = manifests()
          storage.inject({ fault: { _tag: "Refuse", code: "ENOSPC" }, on: ["sync"], path: manifest })
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull" })
          yield* store.resume
          yield* store.flush
          yield* store.put("k", "2")
          const [failed, ...later] = manifests().slice(before.length)
          expect(failed).toBe(before.at(-1))
          expect(later.length).toBeGreaterThan(0)
          expect(later).not.toContain(failed)
        })
      )
      expect(yield* afterPowerCut(storage)).toStrictEqual([["k", "2"]])
    })
  )

  for (const [what, rule] of [
    ["of a table", { fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: table }],
    ["of a directory", { fault: { _tag: "Refuse", code: "EIO" }, on: ["sync directory"] }],
    ["of a directory on a full disk", { fault: { _tag: "Refuse", code: "ENOSPC" }, on: ["sync directory"] }]
  ] as const) {
    it.effect(`${what}: the store takes no more writes, and retries nothing`, () =>
      Effect.gen(function* () {
        const storage = yield* makeFaultyStorage
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            yield* store.put("k", "1")
            yield* turn
            storage.inject(rule)
            expect(yield* Effect.exit(store.flush)).toSatisfy(Exit.isFailure)
            storage.lift()
            // Other work in progress ends, and makes nothing durable that relies on the sync.
            const syncs = storage.operations.length
            for (let i = 0; i < 20; i++) yield* turn
            const ended = storage.operations.slice(syncs)
            expect(ended.filter(({ operation, path }) => operation === "append" && manifest.test(path))).toEqual([])
            const before = storage.operations.length
            expect(yield* Effect.flip(store.put("k", "2"))).toMatchObject({ _tag: "StorePoisoned" })
            yield* store.resume
            yield* pass
            expect(storage.operations.slice(before)).toEqual([])
            expect(yield* store.getString("k")).toStrictEqual(Option.some("1"))
            expect((yield* store.stats).backgroundError).toBeDefined()
          })
        )
        expect([...storage.open.values()]).toEqual([])
        yield* withFaultyStore(storage, (store) => Effect.zipRight(store.put("k", "3"), store.flush))
      })
    )
  }

  it.effect("ends the wait of writers and flushes for background work", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: table, after: 2 })
            const write = (n: number): Effect.Effect<never, unknown> =>
              Effect.zipRight(
                store.put(`k${n}`, "v"),
                Effect.suspend(() => write(n + 1))
              )
            const error = yield* Effect.flip(write(0))
            expect(["StorePoisoned", "StorageError"]).toContain((error as { readonly _tag: string })._tag)
            expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "StorePoisoned" })
          }),
        { memtableBytes: 1, maxFrozenMemtables: 1 }
      )
    })
  )
})

describe("a full disk", () => {
  it.effect("keeps the inputs and leaves no partial output; the store resumes when there is room", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const value = "v".repeat(200)
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 20; i++) yield* store.put(`a${i}`, value)
            yield* store.flush
            for (let i = 0; i < 20; i++) yield* store.put(`a${i}`, `new ${value}`)
            // There is room for the log and the manifest, but not for a table.
            storage.room = storage.used() + 2000
            expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull" })
            const partial = storage.used()
            yield* pass
            expect(storage.used()).toBeLessThan(partial + 500)
            expect(yield* store.count()).toBe(20)
            expect((yield* store.stats).backgroundError).toContain("no space left")
            expect((yield* store.stats).poisoned).toBeUndefined()
            storage.room = Number.POSITIVE_INFINITY
            yield* pass
            yield* eventually(store.stats, ({ flushes }) => flushes === 2)
            // The same for a compaction.
            storage.room = storage.used() + 1000
            const before = storage.used()
            expect(yield* Effect.flip(store.compact())).toMatchObject({ _tag: "DiskFull" })
            expect(storage.used()).toBeLessThan(before + 1000)
            expect((yield* store.stats).tables).toBe(2)
            expect(yield* store.count()).toBe(20)
            storage.room = Number.POSITIVE_INFINITY
            yield* store.compact()
            expect((yield* store.stats).tables).toBe(1)
          }),
        { level0Tables: 100, compression: "none" }
      )
      expect([...storage.open.values()]).toEqual([])
    })
  )

  it.effect("that lasts does not let files pile up, whichever file has no room", () =>
    Effect.gen(function* () {
      for (const [on, path] of [
        ["append", manifest],
        ["sync", manifest],
        ["create", log],
        ["append", /CURRENT/],
        ["create", table]
      ] as const) {
        const storage = yield* makeFaultyStorage
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            yield* store.put("k", "1")
            for (let i = 0; i < 3; i++) yield* turn
            // A failure of the active segment would poison the store.
            storage.refuse = ({ operation, path: at }) =>
              operation === on && path.test(at) && at !== "/memory/000002.log" ? "ENOSPC" : undefined
            yield* Effect.exit(store.flush)
            yield* pass
            const names = (yield* storage.service.list("/memory")).length
            const open = storage.open.size
            for (let i = 0; i < 3; i++) yield* pass
            expect((yield* storage.service.list("/memory")).length, `${on} ${path}`).toBeLessThanOrEqual(names + 1)
            expect(storage.open.size, `${on} ${path}`).toBeLessThanOrEqual(open)
            storage.lift()
            yield* pass
            yield* store.put("k", "2")
            yield* store.flush
            const { tables, log: segments } = yield* store.stats
            const left = yield* storage.service.list("/memory")
            expect(left.filter((name) => table.test(name)).length, `${on} ${path}`).toBe(tables)
            expect(left.filter((name) => log.test(name)).length, `${on} ${path}`).toBe(segments.segments)
            expect(left.filter((name) => manifest.test(name)).length, `${on} ${path}`).toBe(1)
          })
        )
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            expect(yield* store.getString("k")).toStrictEqual(Option.some("2"))
            expect((yield* store.stats).recovery.orphans).toEqual([])
          })
        )
      }
    })
  )
})

describe("too many open files", () => {
  it.effect("fail reads with a typed error, and background work waits for a free descriptor", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) => Effect.zipRight(store.put("old", "1"), store.flush))
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "1")
          for (let i = 0; i < 5; i++) yield* turn
          storage.descriptors = storage.open.size
          expect(yield* Effect.flip(store.get("old"))).toMatchObject({ _tag: "StorageError", code: "EMFILE" })
          expect(yield* Effect.flip(pairs(store.scan()))).toMatchObject({ _tag: "StorageError", code: "EMFILE" })
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "StorageError", code: "EMFILE" })
          yield* pass
          expect(yield* store.stats).toMatchObject({ flushes: 0, poisoned: undefined })
          // One descriptor is enough for the table, but then none is left to sync its directory.
          storage.descriptors = storage.open.size + 1
          yield* pass
          yield* store.put("k", "2")
          expect((yield* store.stats).poisoned).toBeUndefined()
          storage.descriptors = Number.POSITIVE_INFINITY
          yield* pass
          expect(yield* store.stats).toMatchObject({ flushes: 1, backgroundError: undefined })
          expect(yield* store.getString("old")).toStrictEqual(Option.some("1"))
        })
      )
    })
  )

  it.effect("fail the open of a directory, which is not a failed sync", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.async<Error | undefined>((resume) =>
        syncDirectory("/nowhere/at/all", (cause) => resume(Effect.succeed(cause)))
      )
      expect(failure).toMatchObject({ operation: "open", code: "ENOENT" })
    })
  )
})

describe("a read that ends before the file does", () => {
  it.effect("is an error, and is never taken for a shorter log or manifest", () =>
    Effect.gen(function* () {
      for (const path of [log, manifest, /CURRENT/]) {
        const storage = yield* makeFaultyStorage
        yield* withFaultyStore(storage, (store) => store.put("k", "1"))
        const files = storage.afterPowerCut()
        const again = yield* faultyStorage({ files })
        // The fault occurs twice, because the store checks again under the lock.
        again.inject({ fault: { _tag: "Short", bytes: 0 }, on: ["read"], path, times: 2 })
        expect(yield* Effect.flip(withFaultyStore(again, () => Effect.void))).toMatchObject({ _tag: "StorageError" })
        again.lift()
        yield* withFaultyStore(again, (store) =>
          Effect.map(store.getString("k"), (value) => expect(value).toStrictEqual(Option.some("1")))
        )
      }
    })
  )
})
