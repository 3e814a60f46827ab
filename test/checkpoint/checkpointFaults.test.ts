import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { Checkpoint, LsmStore, type Store } from "effect-lsm"
import { contentOf, tuning, write } from "../support/copies.js"
import { type FaultyStorage, faultyStorage, type Operation } from "../support/faultyStorage.js"
import { quietly } from "../support/laboratory.js"

const directory = "/memory"
const into = "/copies/one"

const openAt = <A, E>(
  storage: FaultyStorage,
  path: string,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  more = {}
) =>
  LsmStore.makeFromStorage({ ...tuning, ...more, directory: path }).pipe(
    Effect.flatMap(use),
    Effect.scoped,
    Effect.provide(storage.layer),
    quietly
  )

/** A store with tables, value files and a log, on a faulty file system. */
const withFilled = <A, E>(
  use: (store: Store.Store, storage: FaultyStorage) => Effect.Effect<A, E>,
  // Compactions would open and close files meanwhile.
  more: object = { valueThreshold: 50, level0Tables: 1000 }
) =>
  Effect.gen(function* () {
    const storage = yield* faultyStorage({ turn: queueMicrotask })
    return yield* openAt(
      storage,
      directory,
      (store) =>
        Effect.gen(function* () {
          for (let round = 0; round < 4; round++) {
            yield* write(store, round)
            if (round < 3) yield* store.flush
          }
          return yield* use(store, storage)
        }),
      more
    )
  })

/** Nothing of a checkpoint is there: no directory, whatever its name, and no open file. */
const nothingLeft = (storage: FaultyStorage, openBefore: number) =>
  Effect.gen(function* () {
    expect(yield* storage.service.list("/copies")).toEqual([])
    expect(storage.open.size).toBe(openBefore)
  })

/** The operations of one checkpoint. */
const operationsOf = Effect.suspend(() =>
  withFilled((store, storage) =>
    Effect.gen(function* () {
      const before = storage.operations.length
      yield* Checkpoint.make(store, { into })
      return storage.operations.slice(before).filter(({ path }) => path !== directory || !path.endsWith(".log"))
    })
  )
)

const ownFiles = ({ path }: Operation): boolean => path.startsWith("/copies")

describe("a checkpoint on a disk with faults", () => {
  it.effect("copies what the file system does not link", () =>
    withFilled((store, storage) =>
      Effect.gen(function* () {
        for (const code of ["EXDEV", "EPERM", "EMLINK", "ENOTSUP"]) {
          storage.refuse = ({ operation }) => (operation === "link" ? code : undefined)
          const content = yield* contentOf(store)
          const report = yield* Checkpoint.make(store, { into: `${into}-${code}` })
          expect(report.linked).toBe(0)
          expect(report.copied).toBeGreaterThan(3)
          expect(report.copiedBytes).toBeGreaterThan(10_000)
          storage.lift()
          const found = yield* openAt(storage, `${into}-${code}`, contentOf)
          expect(found).toEqual(content)
        }
      })
    )
  )

  it.effect("leaves nothing behind when there is no room, and is made when there is", () =>
    withFilled((store, storage) =>
      Effect.gen(function* () {
        yield* store.sync
        const open = storage.open.size
        for (const canLink of [true, false]) {
          if (!canLink) storage.refuse = ({ operation }) => (operation === "link" ? "EXDEV" : undefined)
          const used = storage.used()
          for (const room of [0, 100, 2000]) {
            storage.room = used + room
            const failed = yield* Effect.flip(Checkpoint.make(store, { into }))
            expect(failed).toMatchObject({ _tag: "DiskFull" })
            yield* nothingLeft(storage, open)
            expect(storage.used()).toBe(used)
          }
          storage.room = Number.POSITIVE_INFINITY
          const { directory: made } = yield* Checkpoint.make(store, { into: `${into}${canLink}` })
          expect(yield* openAt(storage, made, (copy) => copy.count())).toBe(60)
          yield* store.put("key1", "still writable")
          for (const name of yield* storage.service.list(made)) yield* storage.service.remove(`${made}/${name}`)
          yield* storage.service.removeDirectory!(made)
        }
      })
    )
  )

  it.effect("fails or is made when one operation is refused, and leaves nothing behind if it fails", () =>
    Effect.gen(function* () {
      const count = (yield* operationsOf).filter(ownFiles).length
      expect(count).toBeGreaterThan(20)
      let failures = 0
      for (let n = 0; n < count; n++) {
        yield* withFilled((store, storage) =>
          Effect.gen(function* () {
            yield* store.sync
            const content = yield* contentOf(store)
            const open = storage.open.size
            let seen = 0
            storage.refuse = (operation) => (ownFiles(operation) && seen++ === n ? "EIO" : undefined)
            const outcome = yield* Effect.either(Checkpoint.make(store, { into }))
            storage.lift()
            expect(yield* contentOf(store)).toEqual(content)
            yield* store.put("still", "writable")
            if (Either.isRight(outcome)) {
              expect(yield* openAt(storage, into, contentOf)).toEqual(content)
              return
            }
            failures++
            expect(outcome.left).toMatchObject({ _tag: "StorageError", code: "EIO" })
            if (yield* storage.service.exists("/copies")) yield* nothingLeft(storage, open)
          })
        )
      }
      expect(failures).toBeGreaterThan(10)
    })
  )

  it.effect("leaves nothing behind when it is interrupted at any operation", () =>
    Effect.gen(function* () {
      const count = (yield* operationsOf).length
      let interrupted = 0
      for (let n = 0; n < count; n++) {
        yield* withFilled((store, storage) =>
          Effect.gen(function* () {
            yield* store.sync
            const content = yield* contentOf(store)
            const open = storage.open.size
            let fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
            storage.inject({ fault: { _tag: "Interrupt", fiber: () => fiber }, after: n })
            fiber = yield* Effect.fork(Checkpoint.make(store, { into }))
            const exit = yield* Fiber.await(fiber)
            storage.lift()
            expect(yield* contentOf(store)).toEqual(content)
            if (exit._tag === "Success" || (yield* storage.service.exists(into))) {
              expect(yield* openAt(storage, into, contentOf)).toEqual(content)
              return
            }
            interrupted++
            if (yield* storage.service.exists("/copies")) yield* nothingLeft(storage, open)
          })
        )
      }
      expect(interrupted).toBeGreaterThan(5)
    })
  )

  it.effect("is refused after a failed sync of the log", () =>
    withFilled((store, storage) =>
      Effect.gen(function* () {
        storage.refuse = ({ operation, path }) =>
          operation === "sync" && path.startsWith(directory) && path.endsWith(".log") ? "EIO" : undefined
        yield* Effect.either(store.put("lost", "1"))
        storage.lift()
        expect(yield* Effect.flip(Checkpoint.make(store, { into }))).toMatchObject({ _tag: "StorePoisoned" })
        expect(yield* storage.service.exists(into)).toBe(false)
      })
    )
  )
})
