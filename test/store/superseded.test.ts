import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { type LsmOptions, LsmStore, type Store } from "effect-lsm"
import { captureLogs } from "../support/captureLogs.js"
import { eventually, turn } from "../support/eventually.js"
import { disk, type Place, withStore } from "../support/places.js"

const keys = Array.from({ length: 100 }, (_, i) => `key ${String(i).padStart(3, "0")}`)

const tuning: LsmOptions.Tuning = { durability: "buffered", tableBytes: 20_000 }

const entriesOf = (store: Store.Store) =>
  Effect.map(store.stats, ({ levels }) => levels.reduce((n, { entries }) => n + entries, 0))

/** Writes every key twice with a snapshot in between, and compacts both versions. */
const keepBoth = (store: Store.Store) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    for (const key of keys) yield* store.put(key, "a".repeat(1000))
    const snapshot = yield* Scope.extend(store.snapshot, scope)
    for (const key of keys) yield* store.put(key, "b")
    yield* store.compact()
    expect(yield* entriesOf(store)).toBe(200)
    return { snapshot, release: Scope.close(scope, Exit.void) }
  })

describe("versions that only a snapshot kept", () => {
  it.effect("are removed in the background when it is released, and nothing is written twice", () => {
    const logs = captureLogs()
    return Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(tuning)
      const { release, snapshot } = yield* keepBoth(store)
      const before = (yield* store.stats).compactions
      // The release of a snapshot that kept nothing starts no compaction.
      yield* Effect.scoped(store.snapshot)
      for (let i = 0; i < 100; i++) yield* turn
      expect((yield* store.stats).compactions).toBe(before)
      expect(yield* store.getString(keys[7]!, { snapshot })).toStrictEqual(Option.some("a".repeat(1000)))
      yield* release
      yield* eventually(entriesOf(store), (entries) => entries === 100)
      expect(yield* store.approximateSize()).toBeLessThan(5000)
      for (let i = 0; i < 100; i++) yield* turn
      const after = (yield* store.stats).compactions
      expect(logs.with("compacted").filter(({ annotations }) => annotations["reason"] === "versions")).toHaveLength(
        after - before
      )
      yield* store.compact()
      expect((yield* store.stats).compactions).toBe(after)
    }).pipe(Effect.scoped, Effect.provide(logs.layer))
  })

  it.scoped("are removed by a manual compaction after a reopen", () =>
    Effect.gen(function* () {
      const place: Place = yield* disk
      yield* withStore(place, keepBoth, tuning)
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            expect(yield* entriesOf(store)).toBe(200)
            yield* store.compact({ start: "key 0", end: "key 01" })
            expect(yield* entriesOf(store)).toBeLessThan(200)
            yield* store.compact()
            expect(yield* entriesOf(store)).toBe(100)
            const { compactions } = yield* store.stats
            yield* store.compact()
            expect((yield* store.stats).compactions).toBe(compactions)
          }),
        tuning
      )
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* store.compact()
            expect((yield* store.stats).compactions).toBe(0)
            expect(yield* store.count()).toBe(100)
          }),
        tuning
      )
    })
  )

  it.scoped("are removed in the background once the tables of an earlier session have been opened", () =>
    Effect.gen(function* () {
      const place: Place = yield* disk
      yield* withStore(place, keepBoth, tuning)
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (const key of keys) yield* store.get(key)
            yield* store.put("another key", "wakes the compactor")
            yield* store.flush
            yield* eventually(entriesOf(store), (entries) => entries === 101)
          }),
        tuning
      )
    })
  )

  it.effect("stay as long as another snapshot needs them", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(tuning)
      const first = yield* keepBoth(store)
      const second = yield* Scope.make()
      yield* Scope.extend(store.snapshot, second)
      for (const key of keys) yield* store.put(key, "c")
      yield* store.compact()
      expect(yield* entriesOf(store)).toBe(300)
      yield* first.release
      yield* store.compact()
      expect(yield* entriesOf(store)).toBeGreaterThanOrEqual(200)
      yield* Scope.close(second, Exit.void)
      yield* store.compact()
      expect(yield* entriesOf(store)).toBe(100)
    }).pipe(Effect.scoped)
  )
})
