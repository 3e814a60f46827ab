import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { WriteBatch } from "effect-lsm"
import { pairs, text } from "../support/bytes.js"
import { spawnChild } from "../support/childProcess.js"
import { tinyLevels } from "../support/configurations.js"
import { turn } from "../support/eventually.js"
import { disk, memory, withStore } from "../support/places.js"

const small = {
  ...tinyLevels,
  memtableBytes: 40_000,
  tableBytes: 4_000,
  level1Bytes: 16_000,
  blockBytes: 512
} as const

describe("under concurrent use", () => {
  it.scoped("50 readers and 5 writers see no wrong value during flushes and compactions", () =>
    Effect.gen(function* () {
      const place = yield* disk
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const keysPerWriter = 40
            const rounds = 25
            /** The last acknowledged round of each key. */
            const acknowledged = new Map<string, number>()
            const begun = new Map<string, number>()
            let writing = 5
            const nameOf = (writer: number, n: number) => `key ${String(n).padStart(3, "0")} of ${writer}`
            const writer = (id: number) =>
              Effect.gen(function* () {
                for (let round = 1; round <= rounds; round++) {
                  for (let n = 0; n < keysPerWriter; n++) {
                    const key = nameOf(id, n)
                    begun.set(key, round)
                    yield* store.put(key, `${key} in round ${round} ${"x".repeat(60)}`)
                    acknowledged.set(key, round)
                  }
                  if (id === 0 && round % 5 === 0) yield* store.flush
                }
                writing--
              })
            const checkValue = (key: string, value: string, atLeast: number) => {
              const match = /^(.*) in round (\d+) x{60}$/.exec(value)
              expect(match?.[1]).toBe(key)
              const round = Number(match![2])
              expect(round).toBeGreaterThanOrEqual(atLeast)
              expect(round).toBeLessThanOrEqual(begun.get(key)!)
            }
            let reads = 0
            const reader = (id: number) =>
              Effect.gen(function* () {
                for (let i = id; writing > 0; i++) {
                  const key = nameOf(i % 5, (i * 7) % keysPerWriter)
                  const atLeast = acknowledged.get(key) ?? 0
                  const value = yield* store.getString(key)
                  reads++
                  if (Option.isSome(value)) checkValue(key, value.value, atLeast)
                  else expect(atLeast).toBe(0)
                  if (i % 50 === 0) {
                    let previous = ""
                    yield* Stream.runForEach(store.scan({ limit: 30, reverse: false }), (entry) =>
                      Effect.sync(() => {
                        const found = text(entry.key)
                        expect(found > previous).toBe(true)
                        previous = found
                        checkValue(found, text(entry.value), 0)
                      })
                    )
                  }
                  yield* turn
                }
              })
            const readers = yield* Effect.forEach(
              Array.from({ length: 50 }, (_, i) => i),
              (id) => Effect.fork(reader(id))
            )
            yield* Effect.forEach([0, 1, 2, 3, 4], writer, { concurrency: "unbounded", discard: true })
            yield* Fiber.joinAll(readers)
            const { compactions, flushes } = yield* store.stats
            expect(flushes).toBeGreaterThan(4)
            expect(compactions).toBeGreaterThan(1)
            expect(reads).toBeGreaterThan(1000)
            const entries = yield* pairs(store.scan())
            expect(entries).toHaveLength(200)
            for (const [key, value] of entries) checkValue(key, value, rounds)
          }),
        small
      )
    })
  )

  it.scoped("a scan on disk sees a constant total while transfers run", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const transfers = 80
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const accounts = Array.from({ length: 20 }, (_, i) => `account ${String(i).padStart(2, "0")}`)
            const balances = new Map(accounts.map((account) => [account, 100]))
            const opening = WriteBatch.make()
            for (const account of accounts) opening.put(account, "100")
            yield* store.write(opening)
            let transferring = true
            const total = (snapshot: boolean, reverse: boolean) =>
              Effect.gen(function* () {
                const options = snapshot ? { snapshot: yield* store.snapshot } : {}
                const entries = yield* pairs(
                  store.scan({ ...options, reverse, chunkSize: 3 }).pipe(
                    Stream.rechunk(1),
                    Stream.tap(() => turn)
                  )
                )
                expect(entries).toHaveLength(20)
                expect(entries.reduce((sum, [, balance]) => sum + Number(balance), 0)).toBe(2000)
              }).pipe(Effect.scoped)
            let audits = 0
            const auditors = yield* Effect.forEach([0, 1, 2, 3], (i) =>
              Effect.fork(
                Effect.repeat(
                  Effect.tap(total(i % 2 === 0, i < 2), () => Effect.sync(() => audits++)),
                  { while: () => transferring }
                )
              )
            )
            for (let i = 0; i < transfers; i++) {
              const [from, to] = [accounts[(i * 7) % 20]!, accounts[(i * 11 + 3) % 20]!]
              if (from === to) continue
              balances.set(from, balances.get(from)! - 5)
              balances.set(to, balances.get(to)! + 5)
              yield* store.write(
                WriteBatch.make()
                  .put(from, String(balances.get(from)))
                  .put(to, String(balances.get(to)))
              )
              if (i % 40 === 0) yield* store.flush
              if (i % 110 === 0) yield* store.compact()
              yield* turn
            }
            transferring = false
            yield* Fiber.joinAll(auditors)
            expect(audits).toBeGreaterThan(3)
            const entries = yield* pairs(store.scan())
            expect(entries).toStrictEqual(accounts.map((account) => [account, String(balances.get(account))]))
          }),
        { ...small, memtableBytes: 1, maxFrozenMemtables: 2 }
      )
    })
  )

  it.scoped("manual flushes and compactions may overlap with each other and with writes", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const work = Array.from({ length: 30 }, (_, i) => [
              store.put(`k${i}`, "v"),
              i % 3 === 0 ? store.flush : Effect.void,
              i % 5 === 0 ? store.compact() : Effect.void,
              i % 7 === 0 ? store.compact({ start: "k1", end: "k2" }) : Effect.void
            ]).flat()
            yield* Effect.all(work, { concurrency: "unbounded", discard: true })
            expect(yield* store.count()).toBe(30)
            yield* store.compact()
            expect((yield* store.stats).levels.filter(({ tables }) => tables > 0)).toHaveLength(1)
          }),
        small
      )
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(30)), small)
    })
  )

  it.scoped("an interrupted manual compaction leaves the store intact", () =>
    Effect.gen(function* () {
      const place = yield* disk
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 10; i++) {
              for (let n = 0; n < 20; n++) yield* store.put(`k${n}`, `${i}${"x".repeat(200)}`)
              const compaction = yield* Effect.fork(store.compact())
              for (let turns = 0; turns < i * 3; turns++) yield* turn
              yield* Fiber.interrupt(compaction)
            }
            yield* store.compact()
            const entries = yield* pairs(store.scan())
            expect(entries).toHaveLength(20)
            for (const [, value] of entries) expect(value.startsWith("9")).toBe(true)
          }),
        { ...small, durability: "buffered" }
      )
      yield* withStore(place, (store) =>
        Effect.map(store.stats, ({ recovery }) => expect(recovery.orphans).toStrictEqual([]))
      )
    })
  )
})

describe("a heap of 128 MiB", () => {
  // The test measures only the heap, so a loaded machine may take long.
  const minutes = 5
  it.scoped(
    "is enough to scan a million entries",
    () =>
      Effect.gen(function* () {
        const place = yield* disk
        const child = yield* spawnChild(["scan", place.directory, "1000000"], ["--max-old-space-size=128"])
        expect(yield* child.line).toBe(JSON.stringify({ entries: 1_000_000, bytes: 112_000_000 }))
        expect(yield* child.line).toBe(JSON.stringify({ entries: 200_000, bytes: 22_400_000 }))
      }),
    minutes * 60_000
  )
})
