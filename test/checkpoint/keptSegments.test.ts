import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Checkpoint, type Wal } from "effect-lsm"
import { fromMemoryDisk } from "../../src/Storage.js"
import { contentOf, tuning, write } from "../support/copies.js"
import { withThreadedStore } from "../support/history.js"
import { diskOf, errors, quietly } from "../support/laboratory.js"
import { openStore } from "../support/openStore.js"

const options = { ...tuning, valueThreshold: 30 }
const into = "/copy"

describe("a checkpoint of a store whose values lie in its log", () => {
  it.live("shares segments that are kept for their values, and copies the others", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const content = yield* withThreadedStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (let round = 0; round < 4; round++) {
              yield* write(store, round, 300)
              yield* store.flush
            }
            yield* write(store, 4, 300)
            const expected = yield* contentOf(store)
            const report = yield* Checkpoint.make(store, { into })
            const kept = disk.list(into).filter((name) => name.endsWith(".log")).length
            expect(kept).toBeGreaterThan(1)
            expect(report.copied).toBe(1)
            for (let round = 5; round < 9; round++) yield* write(store, round, 300)
            yield* store.compact()
            return expected
          }),
        options
      )
      for (const name of disk.list("/store")) if (disk.exists(`/store/${name}`)) disk.remove(`/store/${name}`)
      const moved = diskOf()
      for (const name of disk.list(into)) moved.place(`/store/${name}`, disk.contents().get(`${into}/${name}`)!)
      expect(yield* errors(moved)).toEqual([])
      const copy = openStore(fromMemoryDisk(disk), { ...options, directory: into })
      yield* Effect.scoped(
        Effect.flatMap(copy, (store) =>
          Effect.gen(function* () {
            expect(yield* contentOf(store)).toEqual(content)
            yield* write(store, 10, 300)
            yield* store.compact()
            expect(yield* store.count()).toBe(60)
          })
        )
      )
    }).pipe(quietly)
  )

  it.live("holds every write while flushes remove segments", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const expected: Array<Map<string, string>> = []
      yield* withThreadedStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (let round = 0; round < 20; round++) {
              yield* write(store, round, 200)
              expected.push(yield* contentOf(store))
              yield* Effect.all([Checkpoint.make(store, { into: `${into}${round}` }), store.flush], {
                concurrency: "unbounded"
              })
            }
          }),
        options
      )
      for (const [round, content] of expected.entries()) {
        const copy = openStore(fromMemoryDisk(disk), { ...options, directory: `${into}${round}` })
        const found = yield* Effect.scoped(Effect.flatMap(copy, contentOf))
        expect(found).toEqual(content)
      }
    }).pipe(quietly)
  )

  it.live("flushes if the log cannot say what is synced", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const wal = (service: Wal.WalService): Wal.WalService => ({
        ...service,
        unsafeStatus: () => {
          const { segment, segmentBytes } = service.unsafeStatus()
          return { segment, segmentBytes }
        }
      })
      const opened = openStore(fromMemoryDisk(disk), { ...options, directory: "/store" }, { wal })
      const content = yield* Effect.scoped(
        Effect.flatMap(opened, (store) =>
          Effect.gen(function* () {
            yield* write(store, 1)
            expect(yield* Checkpoint.make(store, { into })).toMatchObject({ copied: 0, sequence: 60 })
            return yield* contentOf(store)
          })
        )
      )
      const copy = openStore(fromMemoryDisk(disk), { ...options, directory: into })
      expect(yield* Effect.scoped(Effect.flatMap(copy, contentOf))).toEqual(content)
    }).pipe(quietly)
  )
})
