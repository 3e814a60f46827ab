import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Backup, LsmStore, type Store } from "effect-lsm"
import { contentOf, tuning, write } from "../support/copies.js"
import { type FaultyStorage, faultyStorage, type Operation } from "../support/faultyStorage.js"
import { quietly } from "../support/laboratory.js"

const directory = "/memory"
const into = "/backup"
/** Compactions would open and close files meanwhile. */
const options = { ...tuning, valueThreshold: 50, level0Tables: 1000 }

const openAt = <A, E>(storage: FaultyStorage, path: string, use: (store: Store.Store) => Effect.Effect<A, E>) =>
  LsmStore.makeFromStorage({ ...options, directory: path }).pipe(
    Effect.flatMap(use),
    Effect.scoped,
    Effect.provide(storage.layer),
    quietly
  )

const backUp = (store: Store.Store, keep?: number) => Stream.runDrain(Backup.make({ from: store, into, keep }))

/** A store with one generation in its backup, and changes since then. */
const withBackup = <A, E>(
  use: (store: Store.Store, storage: FaultyStorage, first: Map<string, string>) => Effect.Effect<A, E>
) =>
  Effect.flatMap(faultyStorage({ turn: queueMicrotask }), (storage) =>
    openAt(storage, directory, (store) =>
      Effect.gen(function* () {
        yield* write(store, 0)
        yield* store.flush
        yield* write(store, 1, 40)
        yield* backUp(store)
        const first = yield* contentOf(store)
        yield* write(store, 2)
        yield* store.flush
        yield* write(store, 3, 45)
        yield* store.sync
        return yield* use(store, storage, first)
      })
    )
  )

const isOfBackup = ({ path }: Operation): boolean => path.startsWith(into)

/** The operations of the second backup. */
const operationsOf = Effect.suspend(() =>
  withBackup((store, storage) =>
    Effect.gen(function* () {
      const before = storage.operations.length
      yield* backUp(store)
      return storage.operations.slice(before)
    })
  )
)

/** Every generation can be restored; the first is as it was. The next backup leaves nothing over. */
const expectSound = (storage: FaultyStorage, store: Store.Store, first: Map<string, string>) =>
  Effect.gen(function* () {
    const now = yield* contentOf(store)
    const generations = yield* Backup.listFromStorage(into)
    expect(generations.map(({ generation }) => generation).slice(0, 1)).toEqual([1])
    for (const { generation } of generations) {
      yield* Backup.restoreFromStorage({ from: into, into: `/restored${generation}`, generation })
      expect(yield* openAt(storage, `/restored${generation}`, contentOf)).toEqual(generation === 1 ? first : now)
    }
    yield* backUp(store, 1)
    const events = yield* Stream.runCollect(Backup.verifyFromStorage(into))
    const verified = [...events].at(-1)
    expect(verified).toMatchObject({ _tag: "Verified", errors: 0 })
    if (verified?._tag !== "Verified") return
    const names = yield* storage.service.list(into)
    expect(names.filter((name) => !name.startsWith("LOCK")).length).toBe(verified.files + 2)
  }).pipe(Effect.provide(storage.layer))

describe("a backup on a disk with faults", () => {
  it.effect("leaves the earlier generation when an operation is refused", () =>
    Effect.gen(function* () {
      const count = (yield* operationsOf).filter(isOfBackup).length
      expect(count).toBeGreaterThan(30)
      let failures = 0
      for (let n = 0; n < count; n += 2) {
        yield* withBackup((store, storage, first) =>
          Effect.gen(function* () {
            let seen = 0
            storage.refuse = (operation) => (isOfBackup(operation) && seen++ === n ? "EIO" : undefined)
            const exit = yield* Effect.exit(backUp(store))
            storage.lift()
            if (Exit.isFailure(exit)) failures++
            yield* expectSound(storage, store, first)
          })
        )
      }
      expect(failures).toBeGreaterThan(10)
    })
  )

  it.effect("leaves the earlier generation when it is interrupted, and closes its files", () =>
    Effect.gen(function* () {
      const count = (yield* operationsOf).length
      let interrupted = 0
      for (let n = 0; n < count; n += 2) {
        yield* withBackup((store, storage, first) =>
          Effect.gen(function* () {
            yield* contentOf(store)
            const open = storage.open.size
            let fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
            storage.inject({ fault: { _tag: "Interrupt", fiber: () => fiber }, after: n })
            fiber = yield* Effect.fork(backUp(store))
            const exit = yield* Fiber.await(fiber)
            storage.lift()
            if (Exit.isFailure(exit)) interrupted++
            expect(storage.open.size).toBe(open)
            yield* expectSound(storage, store, first)
          })
        )
      }
      expect(interrupted).toBeGreaterThan(10)
    })
  )

  it.effect("fails with DiskFull when there is no room, and takes none", () =>
    withBackup((store, storage, first) =>
      Effect.gen(function* () {
        const used = storage.used()
        for (const room of [0, 50, 1000, 8000]) {
          storage.room = used + room
          expect(yield* Effect.flip(backUp(store))).toMatchObject({ _tag: "DiskFull" })
          expect(storage.used()).toBe(used)
        }
        storage.lift()
        yield* expectSound(storage, store, first)
      })
    )
  )

  it.effect("is refused while another one runs in the same directory", () =>
    withBackup((store, _storage, _first) =>
      Effect.gen(function* () {
        let inner: unknown
        yield* Stream.runForEach(Backup.make({ from: store, into }), () =>
          Effect.gen(function* () {
            inner ??= yield* Effect.flip(backUp(store))
          })
        )
        expect(inner).toMatchObject({ _tag: "StoreLocked" })
      })
    )
  )

  it.effect("closes its files if the verification of the store ends early", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ turn: queueMicrotask })
      yield* openAt(storage, directory, (store) => Effect.zipRight(write(store, 0), store.flush))
      for (let n = 1; n < 6; n++) {
        yield* Stream.runDrain(Stream.take(LsmStore.verifyFromStorage({ directory }), n)).pipe(
          Effect.provide(storage.layer)
        )
        expect([...storage.open.values()]).toEqual([])
      }
    })
  )
})
