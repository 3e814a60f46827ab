import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Checkpoint, type LsmOptions, LsmStore, type Store, WriteBatch } from "effect-lsm"
import { contentOf, errorsOf, tuning, write } from "../support/copies.js"
import { eventually } from "../support/eventually.js"
import { quietly } from "../support/laboratory.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** The options that decide where values and records lie. */
const places: ReadonlyArray<readonly [string, LsmOptions.Tuning]> = [
  ["values in tables", { valueThreshold: Number.POSITIVE_INFINITY, backgroundThread: false }],
  ["values in value files", { valueThreshold: 30, backgroundThread: false }],
  ["buffered writes", { durability: "buffered", backgroundThread: false }],
  ["interval writes", { durability: { interval: "1 hour", maxBytes: 1024 * 1024 }, backgroundThread: false }]
]

const inDirectory = <A, E>(use: (directory: string) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(temporaryDirectory, use))

const withStore = <A, E>(
  directory: string,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  more: Partial<LsmOptions.LsmOptions> = {}
) => quietly(Effect.scoped(Effect.flatMap(LsmStore.make({ ...tuning, ...more, directory }), use)))

describe("a checkpoint", () => {
  for (const [name, more] of places) {
    it.live(`holds a prefix of the writes, with all acknowledged ones: ${name}`, () =>
      inDirectory((home) =>
        Effect.gen(function* () {
          const reports: Array<readonly [Checkpoint.CheckpointReport, number]> = []
          let [submitted, acknowledged] = [0, 0]
          const batch = (n: number) => {
            const made = WriteBatch.make()
            for (let i = 0; i < 5; i++) made.put(`key${(n * 7 + i * 13) % 200}`, `${n}:`.padEnd(40 + (n % 50), "v"))
            return made.put("last", String(n)).delete(`key${(n * 3) % 200}`)
          }
          yield* withStore(
            join(home, "store"),
            (store) =>
              Effect.gen(function* () {
                const writer = yield* Effect.fork(
                  Effect.gen(function* () {
                    for (;;) {
                      const n = ++submitted
                      yield* store.write(batch(n))
                      acknowledged = n
                      yield* Effect.yieldNow()
                    }
                  })
                )
                for (let i = 0; i < 8; i++) {
                  const [before, last] = [acknowledged, submitted]
                  const report = yield* Checkpoint.make(store, { into: join(home, `copy${i}`), flush: i % 4 === 3 })
                  expect(report.sequence).toBeGreaterThanOrEqual(before * 7)
                  expect(last).toBeGreaterThanOrEqual(before)
                  reports.push([report, before])
                  yield* eventually(
                    Effect.sync(() => submitted),
                    (count) => count > last + 20
                  )
                }
                yield* Fiber.interrupt(writer)
              }),
            more
          )
          rmSync(join(home, "store"), { recursive: true })
          for (const [{ directory, sequence }, least] of reports) {
            expect(yield* errorsOf(directory)).toEqual([])
            yield* withStore(
              directory,
              (store) =>
                Effect.gen(function* () {
                  expect((yield* store.stats).sequence).toBe(sequence)
                  const found = yield* contentOf(store)
                  const last = Number(found.get("last") ?? 0)
                  expect(last).toBeGreaterThanOrEqual(least)
                  expect(sequence).toBe(last * 7)
                  expect(found).toEqual(modelOf(batch, last))
                  yield* store.put("after", "1")
                  yield* store.compact()
                }),
              more
            )
            expect(yield* errorsOf(directory)).toEqual([])
          }
        })
      )
    )
  }

  it.live("shares files with the store, and neither changes the other", () =>
    inDirectory((home) =>
      Effect.gen(function* () {
        const [directory, into, second] = [join(home, "store"), join(home, "a/b/copy"), join(home, "copy of the copy")]
        const before = yield* withStore(
          directory,
          (store) =>
            Effect.gen(function* () {
              for (let round = 0; round < 6; round++) {
                yield* write(store, round)
                if (round < 4) yield* store.flush
              }
              const content = yield* contentOf(store)
              const report = yield* Checkpoint.make(store, { into })
              expect(report.linked).toBeGreaterThan(1)
              expect(report.copied).toBe(1)
              const tables = readdirSync(into).filter((name) => name.endsWith(".sst"))
              expect(tables.length).toBeGreaterThan(0)
              for (const name of tables) expect(statSync(join(into, name)).nlink).toBe(2)
              for (const name of readdirSync(into).filter((name) => name.endsWith(".log"))) {
                expect(statSync(join(into, name)).ino).not.toBe(statSync(join(directory, name)).ino)
              }
              for (let n = 0; n < 60; n++) yield* store.delete(`key${n}`)
              yield* store.compact()
              expect(yield* store.count()).toBeLessThan(content.size)
              return content
              // A compaction in the background would remove tables meanwhile.
            }),
          { level0Tables: 1000 }
        )
        yield* withStore(into, (copy) =>
          Effect.gen(function* () {
            expect(yield* contentOf(copy)).toEqual(before)
            yield* Checkpoint.make(copy, { into: second })
            yield* copy.put("new", "in the copy")
            yield* copy.compact()
            yield* Checkpoint.make(copy, { into: `${second} 2` })
          })
        )
        yield* withStore(directory, (store) =>
          Effect.gen(function* () {
            expect(yield* store.has("new")).toBe(false)
            expect(yield* store.has("key1")).toBe(false)
          })
        )
        rmSync(directory, { recursive: true })
        rmSync(into, { recursive: true })
        yield* withStore(second, (copy) => Effect.map(contentOf(copy), (found) => expect(found).toEqual(before)))
        yield* withStore(`${second} 2`, (copy) =>
          Effect.map(contentOf(copy), (found) => expect(found).toEqual(new Map([...before, ["new", "in the copy"]])))
        )
        for (const path of [second, `${second} 2`]) expect(yield* errorsOf(path)).toEqual([])
      })
    )
  )

  it.live("can be made with open snapshots and cursors, and of a store that is only read", () =>
    inDirectory((home) =>
      Effect.gen(function* () {
        const directory = join(home, "store")
        const content = yield* withStore(directory, (store) =>
          Effect.gen(function* () {
            yield* write(store, 0)
            yield* store.flush
            const snapshot = yield* store.snapshot
            const cursor = yield* store.cursor()
            const old = yield* contentOf(store)
            yield* write(store, 1)
            yield* store.compact()
            yield* write(store, 2)
            yield* Checkpoint.make(store, { into: join(home, "held") })
            expect((yield* store.collect({ snapshot })).length).toBe(old.size)
            expect(yield* cursor.first).toBe(true)
            return yield* contentOf(store)
          }).pipe(Effect.scoped)
        )
        const readOnly = { readOnly: true }
        yield* withStore(directory, (store) => Checkpoint.make(store, { into: join(home, "read") }), readOnly)
        // A store that was closed in order and is not written to.
        yield* withStore(directory, (store) => Checkpoint.make(store, { into: join(home, "settled") }))
        yield* withStore(directory, (store) => Checkpoint.make(store, { into: join(home, "flushed"), flush: true }))
        for (const name of ["held", "read", "settled", "flushed"]) {
          expect(yield* errorsOf(join(home, name))).toEqual([])
          const found = yield* withStore(join(home, name), contentOf, readOnly)
          expect(found).toEqual(content)
        }
        const refused = yield* withStore(
          directory,
          (store) => Effect.flip(Checkpoint.make(store, { into: join(home, "x"), flush: true })),
          readOnly
        )
        expect(refused).toMatchObject({ _tag: "StoreReadOnly" })
        expect(existsSync(join(home, "x"))).toBe(false)
      })
    )
  )

  it.live("is refused for a log that is only read past its damage", () =>
    inDirectory((home) =>
      Effect.gen(function* () {
        const directory = join(home, "store")
        yield* withStore(directory, (store) => Effect.zipRight(write(store, 0), write(store, 1)))
        const log = join(directory, readdirSync(directory).find((name) => name.endsWith(".log"))!)
        const bytes = readFileSync(log)
        bytes[bytes.length >>> 1]! ^= 1
        writeFileSync(log, bytes)
        const refused = yield* withStore(
          directory,
          (store) => Effect.flip(Checkpoint.make(store, { into: join(home, "copy") })),
          { readOnly: true, recovery: "pointInTime" }
        )
        expect(refused).toMatchObject({ _tag: "Corruption", file: log })
        expect(readdirSync(home)).toEqual(["store"])
      })
    )
  )

  it.live("refuses a directory that has something in it, and takes an empty one", () =>
    inDirectory((home) =>
      Effect.gen(function* () {
        const directory = join(home, "store")
        mkdirSync(join(home, "full"))
        writeFileSync(join(home, "full", "file"), "mine")
        writeFileSync(join(home, "file"), "mine")
        mkdirSync(join(home, "empty"))
        yield* withStore(directory, (store) =>
          Effect.gen(function* () {
            yield* write(store, 0)
            for (const into of [join(home, "full"), join(home, "file"), directory, join(directory, "inside"), ""]) {
              const refused = yield* Effect.flip(Checkpoint.make(store, { into }))
              expect(refused, into).toMatchObject({ _tag: "InvalidArgument" })
            }
            yield* Checkpoint.make(store, { into: join(home, "empty") })
            const again = yield* Effect.flip(Checkpoint.make(store, { into: join(home, "empty") }))
            expect(again._tag).toBe("InvalidArgument")
            const fake = { get: store.get } as unknown as Store.Store
            expect(yield* Effect.flip(Checkpoint.make(fake, { into: join(home, "fake") }))).toMatchObject({
              _tag: "InvalidArgument",
              argument: "store"
            })
            // What wraps a store can be copied too.
            yield* Checkpoint.make({ ...store }, { into: join(home, "wrapped") })
          })
        )
        const names = ["empty", "file", "full", "store", "wrapped"]
        expect(readdirSync(home).sort()).toEqual(names)
        const closed = yield* withStore(directory, Effect.succeed)
        expect(yield* Effect.flip(Checkpoint.make(closed, { into: join(home, "late") }))).toMatchObject({
          _tag: "StoreClosed"
        })
        expect(readdirSync(home).sort()).toEqual(names)
      })
    )
  )
})

const modelOf = (batch: (n: number) => WriteBatch.WriteBatch, last: number): Map<string, string> => {
  const model = new Map<string, string>()
  for (let n = 1; n <= last; n++) {
    for (let i = 0; i < 5; i++) model.set(`key${(n * 7 + i * 13) % 200}`, `${n}:`.padEnd(40 + (n % 50), "v"))
    model.set("last", String(n))
    model.delete(`key${(n * 3) % 200}`)
    expect(batch(n).size).toBe(7)
  }
  return model
}
