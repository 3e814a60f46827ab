import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Backup, Checkpoint, LsmStore, Storage, type Store } from "effect-lsm"
import { eventually } from "../support/eventually.js"
import { memory, withStore } from "../support/places.js"
import { type RecordedSpan, spansOf } from "../support/telemetry.js"

/** The attributes of the spans of this name. */
const of = (spans: ReadonlyArray<RecordedSpan>, name: string) =>
  spans.filter((span) => span.name === name).map(({ attributes }) => Object.fromEntries(attributes))

const fill = (store: Store.Store) =>
  Effect.gen(function* () {
    for (const key of ["a", "b"]) {
      yield* store.put("both", "v".repeat(100))
      yield* store.put(key, "v")
      yield* store.flush
    }
    yield* eventually(store.stats, ({ compactions }) => compactions === 1)
    return yield* store.stats
  })

describe("spans", () => {
  it.effect("cover opening, recovery, flushes and compactions, with their bytes", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const name = "traced"
      let stats = yield* withStore(place, (store) => store.stats, { name })
      const work = withStore(
        place,
        (store) =>
          Effect.map(fill(store), (after) => {
            stats = after
          }),
        {
          level0Tables: 2,
          name
        }
      )
      const spans = yield* spansOf(work)
      expect(of(spans, "lsm.open")).toMatchObject([
        { "lsm.store": name, "lsm.directory": place.directory, "lsm.tables": 0, "lsm.bytes": 0, "lsm.sequence": 0 }
      ])
      expect(of(spans, "lsm.recovery")).toMatchObject([{ "lsm.store": name, "lsm.bytes": 0, "lsm.records": 0 }])
      const flushes = of(spans, "lsm.flush")
      expect(flushes).toHaveLength(2)
      for (const flush of flushes) {
        expect(flush).toMatchObject({ "lsm.store": name, "lsm.reason": "asked", "lsm.entries": 2, "lsm.tables": 1 })
      }
      expect(flushes.reduce((n, flush) => n + Number(flush["lsm.bytes"]), 0)).toBe(stats.written.flush)
      expect(of(spans, "lsm.compaction")).toStrictEqual([
        {
          "lsm.store": name,
          "lsm.reason": "tables",
          "lsm.how": "merged",
          "lsm.level": 0,
          "lsm.output_level": 1,
          "lsm.inputs": 2,
          "lsm.tables": 1,
          "lsm.bytes_read": stats.written.flush,
          "lsm.bytes": stats.written.compaction,
          "lsm.entries_dropped": 1
        }
      ])
      expect(spans.every(({ exit }) => exit() !== undefined && Exit.isSuccess(exit()!))).toBe(true)
    })
  )

  it.effect("of background work are roots, and those of opening and of compacting by hand are not", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const use = (store: Store.Store) => Effect.zipRight(fill(store), Effect.withSpan(store.compact(), "by hand"))
      const work = withStore(place, use, { level0Tables: 2 })
      const spans = yield* spansOf(Effect.withSpan(work, "program"))
      const parents = (name: string) => spans.filter((span) => span.name === name).map(({ parent }) => parent)
      expect(parents("lsm.open")).toStrictEqual(["program"])
      expect(parents("lsm.recovery")).toStrictEqual(["lsm.open"])
      expect(new Set(parents("lsm.flush"))).toStrictEqual(new Set([undefined]))
      expect(parents("lsm.compaction")[0]).toBeUndefined()
      for (const parent of parents("lsm.compaction").slice(1)) expect(parent).toBe("by hand")
    })
  )

  it.effect("cover replayed logs, checkpoints, backups and restores, with their bytes", () =>
    Effect.gen(function* () {
      const storage = yield* Storage.makeMemory
      const layer = Layer.succeed(Storage.Storage, storage)
      const open = <A, E>(use: (store: Store.Store) => Effect.Effect<A, E>) =>
        LsmStore.makeFromStorage({ directory: "/store", compression: "none" }).pipe(
          Effect.flatMap(use),
          Effect.scoped,
          Effect.provide(layer)
        )
      yield* open((store) => store.put("a", "v".repeat(1000)))
      const spans = yield* spansOf(
        Effect.gen(function* () {
          const [checkpoint, made] = yield* open((store) =>
            Effect.gen(function* () {
              yield* store.flush
              yield* store.put("b", "v".repeat(1000))
              const checkpoint = yield* Checkpoint.make(store, { into: "/checkpoint" })
              const events = [...(yield* Stream.runCollect(Backup.make({ from: store, into: "/backup" })))]
              return [checkpoint, events.at(-1) as Backup.BackupMade] as const
            })
          )
          const restored = yield* Effect.provide(
            Backup.restoreFromStorage({ from: "/backup", into: "/restored" }),
            layer
          )
          return { checkpoint, made, restored }
        }).pipe(
          Effect.tap(({ checkpoint, made, restored }) =>
            Effect.sync(() => {
              expected = { checkpoint: checkpoint.copiedBytes, backup: made.copiedBytes, restore: restored.bytes }
            })
          )
        )
      )
      const [recovery] = of(spans, "lsm.recovery") as [Record<string, number>]
      expect(recovery).toMatchObject({ "lsm.records": 1, "lsm.sequence": 1, "lsm.dropped_bytes": 0 })
      expect(recovery["lsm.bytes"]).toBeGreaterThan(1000)
      expect(of(spans, "lsm.checkpoint")).toMatchObject([
        { "lsm.into": "/checkpoint", "lsm.bytes": expected.checkpoint, "lsm.linked": expect.any(Number) }
      ])
      expect(of(spans, "lsm.backup")).toMatchObject([
        { "lsm.directory": "/store", "lsm.into": "/backup", "lsm.bytes": expected.backup, "lsm.generation": 1 }
      ])
      expect(of(spans, "lsm.restore")).toMatchObject([{ "lsm.bytes": expected.restore, "lsm.generation": 1 }])
      expect(expected.checkpoint).toBeGreaterThan(1000)
      expect(expected.backup).toBeGreaterThan(2000)
    })
  )

  it.effect("are not made for reads and writes", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const spans = yield* spansOf(
        Effect.gen(function* () {
          yield* store.put("a", "1")
          yield* store.get("a")
          yield* Stream.runDrain(store.scan())
        })
      )
      expect(spans).toStrictEqual([])
    }).pipe(Effect.scoped)
  )
})

let expected = { checkpoint: 0, backup: 0, restore: 0 }
