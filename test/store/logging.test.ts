import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { LsmStore, type Store, WriteBatch } from "effect-lsm"
import { vi } from "vitest"
import { unusedFrom } from "../../src/core/log/logSegment.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually } from "../support/eventually.js"
import { disk, memory, withStore } from "../support/places.js"

describe("logging", () => {
  it.scoped("prints nothing by default while a store is opened, used and closed", () =>
    Effect.gen(function* () {
      const { directory } = yield* disk
      const printed: Array<unknown> = []
      const spies = [
        ...(["log", "info", "warn", "error", "debug", "trace"] as const).map((name) =>
          vi.spyOn(console, name).mockImplementation((...words) => void printed.push(words))
        ),
        ...[process.stdout, process.stderr].map((stream) =>
          vi.spyOn(stream, "write").mockImplementation((words) => printed.push(words) > 0)
        )
      ]
      const restore = Effect.sync(() => {
        for (const spy of spies) spy.mockRestore()
      })
      yield* Effect.addFinalizer(() => restore)
      const program = Effect.gen(function* () {
        const store = yield* LsmStore.LsmStore
        for (let i = 0; i < 30; i++) yield* store.put(`k${i}`, "v")
        yield* store.flush
        yield* store.compact()
        yield* store.count()
      }).pipe(Effect.provide(LsmStore.layer({ directory, memtableBytes: 100_000 })))
      // Uses the default runtime with its default logger.
      for (let round = 0; round < 2; round++) yield* Effect.promise(() => Effect.runPromise(program))
      yield* restore
      expect(printed).toStrictEqual([])
    })
  )

  it.scoped("reports every step at Debug, with annotations", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const logs = captureLogs()
      const use = withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (const key of ["a", "b", "a"]) {
              yield* store.put(key, "v")
              yield* store.flush
            }
            yield* eventually(store.stats, ({ compactions }) => compactions > 0)
            yield* store.put("c", "v")
          }),
        { level0Tables: 2, level0SlowdownTables: 10, level0StopTables: 10 }
      )
      yield* Effect.zipRight(use, use).pipe(Effect.provide(logs.layer))
      const expected: Record<string, ReadonlyArray<string>> = {
        opened: ["component", "directory", "tables"],
        recovered: ["component", "directory", "segments", "records", "sequence"],
        "prepared a log segment": ["component", "segment"],
        "rotated the log": ["component", "segment", "bytes"],
        "flushed a memtable": ["component", "level", "table", "bytes", "entries", "duration"],
        compacted: [
          "component",
          "level",
          "outputLevel",
          "inputs",
          "table",
          "bytesRead",
          "bytes",
          "dropped",
          "duration"
        ],
        "removed a table": ["component", "table"],
        closed: ["component", "directory"]
      }
      for (const [message, fields] of Object.entries(expected)) {
        const [entry] = logs.with(message)
        expect(entry, message).toMatchObject({ level: "DEBUG" })
        expect(Object.keys(entry!.annotations), message).toEqual(expect.arrayContaining([...fields]))
      }
      expect(logs.with("flushed a memtable")[0]!.annotations["bytes"]).toBeGreaterThan(100)
      expect(logs.with("recovered").map(({ annotations }) => annotations["records"])).toStrictEqual([0, 1])
      expect(logs.above("WARN")).toStrictEqual([])
    })
  )

  it.scoped("warns that a torn end of the log was dropped", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const logs = captureLogs()
      yield* withStore(place, (store) => store.put("k", "v"))
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("l", "v")
          // A copy of the open store has the files that a crash would leave.
          const torn = yield* disk
          for (const name of readdirSync(place.directory).filter((one) => !one.startsWith("LOCK"))) {
            copyFileSync(join(place.directory, name), join(torn.directory, name))
          }
          const newest = readdirSync(torn.directory)
            .filter((name) => name.endsWith(".log") && statSync(join(torn.directory, name)).size > 32)
            .sort()
            .at(-1)!
          const log = readFileSync(join(torn.directory, newest))
          const end = unusedFrom(log, 0)
          writeFileSync(join(torn.directory, newest), Buffer.concat([log.subarray(0, end), Buffer.of(1, 2, 3, 4, 5)]))
          yield* withStore(torn, (reopened) =>
            Effect.gen(function* () {
              expect(yield* reopened.count()).toBe(2)
              expect((yield* reopened.stats).recovery.dropped).toMatchObject([
                { file: expect.stringContaining(newest), bytes: 5 }
              ])
            })
          ).pipe(Effect.provide(logs.layer))
        })
      )
      expect(logs.with("dropped a torn end of the log")).toMatchObject([
        {
          level: "WARN",
          annotations: { component: "Wal", bytes: 5, file: expect.any(String), offset: expect.any(Number) }
        }
      ])
    })
  )

  it.scoped("warns when writers are held back, and reports when they go on", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const logs = captureLogs()
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* Effect.forEach(
              Array.from({ length: 40 }, (_, i) => `k${i}`),
              (key) => store.write(WriteBatch.make().put(key, "v")),
              { concurrency: "unbounded", discard: true }
            )
            const { stalls } = yield* store.stats
            expect(stalls.stops).toBeGreaterThan(0)
            expect(yield* store.count()).toBe(40)
            yield* store.flush
            yield* eventually(
              Effect.zipRight(
                TestClock.adjust("1 second"),
                Effect.sync(() => logs.entries.filter(({ message }) => message.startsWith("writers")).at(-1)?.message)
              ),
              (message) => message === "writers go on"
            )
          }),
        {
          durability: "buffered",
          memtableBytes: 1,
          maxFrozenMemtables: 1,
          level0Tables: 2,
          level0SlowdownTables: 2,
          level0StopTables: 3
        }
      ).pipe(Effect.provide(logs.layer))
      const warnings = logs.above("WARN")
      expect(warnings.length).toBeGreaterThan(0)
      expect(warnings.length, "one stall, however often a limit is passed").toBeLessThanOrEqual(2)
      for (const warning of warnings) {
        expect(warning).toMatchObject({
          level: "WARN",
          message: expect.stringMatching(/^writers (wait|are slowed down)$/),
          annotations: { component: "Compactor", frozenMemtables: expect.any(Number), level0Tables: expect.any(Number) }
        })
      }
      expect(logs.with("writers go on").length).toBeGreaterThan(0)
    })
  )

  it.scoped("does not warn of slow writers when a store with small memtables is flushed as it closes", () =>
    Effect.gen(function* () {
      const logs = captureLogs()
      const place = yield* memory
      const write = (store: Store.Store) => store.put("key", new Uint8Array(600 * 1024), { durability: "buffered" })
      const options = { memtableBytes: 1024 * 1024, maxFrozenMemtables: 1, valueThreshold: Number.POSITIVE_INFINITY }
      yield* withStore(place, write, options).pipe(Effect.provide(logs.layer))
      expect(yield* withStore(place, (store) => Effect.map(store.stats, ({ tables }) => tables), options)).toBe(1)
      expect(logs.above("WARN")).toStrictEqual([])
    })
  )
})
