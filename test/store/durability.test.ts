import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { keys } from "../support/bytes.js"
import { spawnChild } from "../support/childProcess.js"
import { eventually, turn } from "../support/eventually.js"
import { type FaultyStorage, makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"
import { disk, withStore } from "../support/places.js"

/** Waits until the store has prepared its segments, then counts syncs and appends of the log. */
const logWork = (storage: FaultyStorage) =>
  Effect.gen(function* () {
    for (let i = 0; i < 50; i++) yield* turn
    const from = storage.operations.length
    return (operation: "sync" | "append") =>
      storage.operations.slice(from).filter((done) => done.operation === operation && done.path.endsWith(".log")).length
  })

describe("durability", () => {
  it.effect("sync: acknowledges after the sync, and writers that wait together share one", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          const done = yield* logWork(storage)
          yield* store.put("a", "1")
          expect(done("sync")).toBe(1)
          const names = Array.from({ length: 64 }, (_, i) => `k${i}`)
          yield* Effect.forEach(names, (name) => store.put(name, "v"), { concurrency: "unbounded", discard: true })
          expect(done("sync")).toBeLessThanOrEqual(4)
          // Writes that arrive during a sync go out with the next one, and are not visible before.
          let release = (): void => undefined
          const held = new Promise<void>((resolve) => {
            release = resolve
          })
          storage.hold = () => held
          const first = yield* Effect.fork(store.put("first", "v"))
          yield* turn
          const others = yield* Effect.forEach([1, 2, 3], (n) => Effect.fork(store.put(`other ${n}`, "v")))
          const buffered = yield* Effect.fork(store.put("buffered", "v", { durability: "buffered" }))
          yield* turn
          expect(yield* keys(store.keys({ start: "b", end: "k" }))).toStrictEqual([])
          const before = done("sync")
          storage.hold = () => undefined
          release()
          yield* Fiber.joinAll([first, ...others, buffered])
          expect(done("sync")).toBe(before + 1)
          expect(yield* keys(store.keys({ start: "b", end: "k" }))).toStrictEqual(["buffered", "first"])
        })
      )
    })
  )

  it.effect("buffered: hands the write to the operating system, and syncs nothing", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            const done = yield* logWork(storage)
            for (const key of ["a", "b", "c"]) yield* store.put(key, "v")
            expect([done("append"), done("sync")]).toStrictEqual([3, 0])
            yield* store.put("d", "v", { durability: "sync" })
            expect([done("append"), done("sync")]).toStrictEqual([4, 1])
            yield* store.put("e", "v")
            yield* store.sync
            yield* store.sync
            expect([done("append"), done("sync")]).toStrictEqual([5, 2])
          }),
        { durability: "buffered" }
      )
    })
  )

  it.effect("interval: acknowledges at once, and syncs when the interval ends", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            const done = yield* logWork(storage)
            yield* store.put("a", "v")
            yield* store.put("b", "v")
            expect(yield* store.getString("a")).toStrictEqual(Option.some("v"))
            yield* TestClock.adjust("99 millis")
            for (let i = 0; i < 20; i++) yield* turn
            expect(done("sync")).toBe(0)
            yield* TestClock.adjust("1 millis")
            yield* eventually(store.stats, ({ log }) => log.syncedRecords === 2)
            expect(done("sync")).toBe(1)
            // No write waits, so nothing is synced.
            yield* TestClock.adjust("1 hour")
            for (let i = 0; i < 20; i++) yield* turn
            expect(done("sync")).toBe(1)
            // The write with the shortest interval decides.
            yield* store.put("c", "v")
            yield* TestClock.adjust("1 millis")
            yield* store.put("d", "v", { durability: { interval: "10 millis" } })
            yield* TestClock.adjust("10 millis")
            yield* eventually(
              Effect.sync(() => done("sync")),
              (syncs) => syncs === 2
            )
          }),
        { durability: { interval: "100 millis" } }
      )
    })
  )

  it.effect("interval: syncs early when `maxBytes` are waiting", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            const done = yield* logWork(storage)
            for (let i = 0; i < 10; i++) yield* store.put(`k${i}`, "v".repeat(100))
            expect(done("sync")).toBe(0)
            for (let i = 0; i < 30; i++) yield* store.put(`k${i}`, "v".repeat(100))
            expect(done("sync")).toBeGreaterThanOrEqual(1)
            expect(done("sync")).toBeLessThanOrEqual(3)
          }),
        { durability: { interval: "1 hour", maxBytes: 2000 } }
      )
    })
  )

  it.scoped("acknowledged writes survive a killed process, and no batch is partial", () =>
    Effect.gen(function* () {
      const check = (mode: "sync" | "buffered" | "interval") =>
        Effect.gen(function* () {
          const place = yield* disk
          const child = yield* spawnChild(["write", place.directory, mode])
          const first = [yield* child.line]
          while (first.length < 300) first.push(yield* child.line)
          yield* child.kill
          const acknowledged = [...first, ...(yield* child.rest)].filter((line) => /^\d+$/.test(line)).map(Number)
          expect(acknowledged).toStrictEqual(acknowledged.map((_, i) => i))
          yield* withStore(place, (store) =>
            Effect.gen(function* () {
              const found = yield* keys(store.keys())
              const half = (letter: string) =>
                found.flatMap((key) => (key.startsWith(letter) ? [Number(key.slice(1))] : [])).sort((a, b) => a - b)
              const kept = half("a")
              expect(half("b")).toStrictEqual(kept)
              // The log holds a prefix of the writes, without gaps.
              expect(kept).toStrictEqual(kept.map((_, i) => i))
              if (mode !== "interval") expect(kept.length, mode).toBeGreaterThanOrEqual(acknowledged.length)
              yield* store.put("afterwards", "v")
            })
          )
        })
      yield* Effect.all([check("sync"), check("buffered"), check("interval")], { concurrency: "unbounded" })
    })
  )
})
