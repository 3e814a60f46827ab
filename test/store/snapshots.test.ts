import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { LsmStore, Transaction, WriteBatch } from "effect-lsm"
import { keys, pairs, text, toArray } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually } from "../support/eventually.js"

describe("a snapshot as a view", () => {
  it.scoped("reads the store as it was, by every method", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      yield* store.write(WriteBatch.make().put("a", "1").put("b", "2").put("c", "3"))
      const snapshot = yield* store.snapshot
      yield* store.write(WriteBatch.make().put("a", "later").delete("b").put("d", "later"))
      yield* store.compact()
      const all = [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"]
      ]
      expect(yield* snapshot.getString("a")).toStrictEqual(Option.some("1"))
      expect(Option.map(yield* snapshot.get("b"), text)).toStrictEqual(Option.some("2"))
      expect(Option.getOrThrow(yield* snapshot.getEntry("c")).version).toBe(3)
      expect((yield* snapshot.getMany(["b", "d"])).map(Option.isSome)).toStrictEqual([true, false])
      expect([yield* snapshot.has("b"), yield* snapshot.has("d")]).toStrictEqual([true, false])
      expect(yield* pairs(snapshot.scan())).toStrictEqual(all)
      expect(yield* pairs(snapshot.entries({ reverse: true }))).toStrictEqual(all.toReversed())
      expect(yield* keys(snapshot.keys({ start: "b" }))).toStrictEqual(["b", "c"])
      expect((yield* toArray(snapshot.values({ limit: 1 }))).map(text)).toStrictEqual(["1"])
      expect((yield* snapshot.collect({ prefix: "b" })).length).toBe(1)
      expect(yield* snapshot.count()).toBe(3)
      const cursor = yield* snapshot.cursor({ keysOnly: true })
      expect([yield* cursor.last, yield* cursor.seekBefore("c")]).toStrictEqual([true, true])
      // It is still an option of the store's methods.
      expect(yield* store.count({ snapshot })).toBe(3)
    })
  )

  it.effect("cannot be used when its scope has ended", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const snapshot = yield* Effect.scoped(store.snapshot)
      for (const use of [snapshot.get("a"), snapshot.count(), Stream.runDrain(snapshot.scan())]) {
        expect(yield* Effect.flip(use as Effect.Effect<unknown, unknown>)).toMatchObject({ argument: "snapshot" })
      }
    }).pipe(Effect.scoped)
  )
})

describe("a snapshot that is held for long", () => {
  const message = "a snapshot has been held for long"

  it.scoped("shows in stats and gauges, and is warned of once, with the place where it was taken", () => {
    const logs = captureLogs()
    return Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ durability: "buffered", name: "held" })
      yield* store.put("a", "1")
      expect(yield* store.stats).toMatchObject({ snapshots: 0, oldestSnapshotMillis: 0 })
      const taken = yield* Clock.currentTimeMillis
      const snapshot = yield* Effect.withSpan(store.snapshot, "nightly export")
      yield* TestClock.adjust("4 minutes")
      yield* store.put("a", "2")
      yield* store.flush
      expect(logs.with(message)).toStrictEqual([])
      expect(yield* store.stats).toMatchObject({ snapshots: 1, oldestSnapshotMillis: 240_000 })
      const byHand = store.unsafeSnapshot()
      yield* TestClock.adjust("2 minutes")
      expect(yield* store.prometheus).toMatch(/lsm_snapshots\{.*\} 2\n/)
      expect(yield* store.prometheus).toMatch(/lsm_oldest_snapshot_seconds\{.*\} 360\n/)
      yield* store.put("a", "3")
      yield* store.flush
      yield* eventually(
        Effect.sync(() => logs.with(message)),
        (found) => found.length > 0
      )
      const [{ annotations, level }] = logs.with(message) as [ReturnType<typeof logs.with>[number]]
      expect(level).toBe("WARN")
      expect(annotations).toMatchObject({ sequence: snapshot.sequence, span: "nightly export", component: "LsmStore" })
      expect(annotations["takenAt"]).toBe(new Date(taken).toISOString())
      yield* TestClock.adjust("10 minutes")
      yield* store.put("a", "4")
      yield* store.compact()
      const second = logs.with(message).at(-1)!
      expect(logs.with(message)).toHaveLength(2)
      expect(String(second.annotations["at"])).toContain("snapshots.test.ts")
      byHand.close()
      yield* store.put("a", "5")
      yield* store.compact()
      expect(logs.with(message)).toHaveLength(2)
    }).pipe(Effect.provide(logs.layer))
  })

  it.scoped("is not warned of if that is wanted, and transactions count", () => {
    const logs = captureLogs()
    return Effect.gen(function* () {
      const quiet = yield* LsmStore.makeMemory({ snapshotWarning: Duration.infinity })
      yield* quiet.snapshot
      const store = yield* LsmStore.makeMemory({ snapshotWarning: "1 second" })
      const work = store.put("b", "1").pipe(Effect.zipRight(store.flush))
      const fiber = yield* Effect.fork(
        Transaction.transact(store, (tx) => Effect.zipRight(tx.put("a", "1"), Effect.sleep("1 hour")))
      )
      yield* TestClock.adjust("30 minutes")
      expect((yield* store.stats).oldestSnapshotMillis).toBe(1_800_000)
      yield* work
      yield* Effect.zipRight(quiet.put("b", "1"), quiet.compact())
      expect(logs.with(message)).toHaveLength(1)
      yield* TestClock.adjust("30 minutes")
      yield* Fiber.join(fiber)
      expect((yield* store.stats).snapshots).toBe(0)
    }).pipe(Effect.provide(logs.layer))
  })

  it.effect("has a limit that is checked", () =>
    Effect.gen(function* () {
      for (const snapshotWarning of [0, -5, "soon" as never, Number.NaN]) {
        const error = yield* Effect.flip(Effect.scoped(LsmStore.makeMemory({ snapshotWarning })))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "snapshotWarning" })
      }
    })
  )
})
