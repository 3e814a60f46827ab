import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { type Store, WriteBatch } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { tinyLevels } from "../support/configurations.js"
import { makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"
import { packageLock } from "../support/packageLock.js"
import { disk, memory, withStore } from "../support/places.js"

const root = new URL("../../", import.meta.url)

describe("faults of the reference store, which are impossible here", () => {
  it.scoped("1: separators or newlines in keys or values lose records", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const awkward = ["a|b", "a\nb", "|", "\n", "a|b\nc|d", "\0", '"', "\\", "a\tb", "😀|\n", ""]
      yield* withStore(place, (store) => Effect.forEach(awkward, (text) => store.put(text, text), { discard: true }))
      const check = (store: Store.Store) =>
        Effect.gen(function* () {
          for (const text of awkward) expect(yield* store.getString(text)).toStrictEqual(Option.some(text))
          expect(yield* store.count()).toBe(awkward.length)
        })
      yield* withStore(place, (store) => Effect.zipRight(check(store), store.compact()))
      yield* withStore(place, check)
    })
  )

  it.scoped("2: a put racing with the truncation of the log is lost", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const written = yield* withStore(place, (store) =>
        Effect.gen(function* () {
          const flusher = yield* Effect.fork(Effect.forever(store.flush))
          const writers = [0, 1, 2, 3].map((writer) =>
            Effect.forEach(
              Array.from({ length: 60 }, (_, i) => `${writer}:${i}`),
              (key) => store.put(key, key),
              { discard: true }
            )
          )
          yield* Effect.all(writers, { concurrency: "unbounded" })
          yield* Fiber.interrupt(flusher)
          expect((yield* store.stats).flushes).toBeGreaterThan(3)
          return yield* pairs(store.scan())
        })
      )
      expect(written).toHaveLength(240)
      yield* withStore(place, (store) =>
        Effect.map(pairs(store.scan()), (found) => expect(found).toStrictEqual(written))
      )
    })
  )

  it.scoped("3: a deleted key comes back after a partial compaction", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const absent = Effect.map(store.getString("k"), (value) => expect(value).toStrictEqual(Option.none()))
            for (const version of ["oldest", "old"]) {
              yield* store.put("k", version)
              yield* store.put("z", version)
              yield* store.compact()
            }
            // The tombstone is above older versions. Compact the ranges beside it, then all of it.
            yield* store.delete("k")
            yield* store.flush
            yield* absent
            for (let i = 0; i < 40; i++) {
              yield* store.put(`a${i}`, "x".repeat(50))
              yield* store.put(`y${i}`, "x".repeat(50))
              yield* absent
            }
            yield* store.compact({ start: "a", end: "b" })
            yield* absent
            yield* store.compact({ start: "y", end: "z" })
            yield* absent
            yield* store.compact()
            yield* absent
            expect((yield* store.stats).levels.reduce((n, { deletions }) => n + deletions, 0)).toBe(0)
          }),
        tinyLevels
      )
      yield* withStore(place, (store) => Effect.map(store.has("k"), (found) => expect(found).toBe(false)), tinyLevels)
    })
  )

  it.scoped("4: a manual flush racing with a put loses the put", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(place, (store) =>
        Effect.forEach(
          Array.from({ length: 100 }, (_, i) => String(i)),
          (key) =>
            Effect.gen(function* () {
              yield* Effect.all([store.flush, store.put(key, key), store.flush], { concurrency: "unbounded" })
              expect(yield* store.getString(key)).toStrictEqual(Option.some(key))
            }),
          { discard: true }
        )
      )
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(100)))
    })
  )

  it.effect("5: a crash while the log is rewritten loses it all", () =>
    Effect.gen(function* () {
      // Recovery never rewrites the log: the log is append-only.
      const storage = yield* makeFaultyStorage
      const open = <A, E>(use: (store: Store.Store) => Effect.Effect<A, E>) => withFaultyStore(storage, use)
      yield* open((store) => Effect.forEach(["a", "b", "c"], (key) => store.put(key, key), { discard: true }))
      // Recovery fails at every third of its operations, and each time starts again.
      for (let failing = 1; failing < 200; failing += 3) {
        const before = storage.operations.length
        storage.refuse = () => (storage.operations.length - before === failing ? "EIO" : undefined)
        yield* Effect.exit(open((store) => store.count()))
        storage.refuse = () => undefined
        if (storage.operations.length - before < failing) break
        expect(yield* open((store) => pairs(store.scan()))).toStrictEqual([
          ["a", "a"],
          ["b", "b"],
          ["c", "c"]
        ])
      }
      expect(
        storage.operations.filter(({ operation, path }) => operation === "rename" && path.endsWith(".log"))
      ).toEqual([])
    })
  )

  it.scoped("6: a full queue of frozen memtables drops one silently", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const batches = Array.from({ length: 60 }, (_, i) => `k${String(i).padStart(3, "0")}`)
      const tuning = { memtableBytes: 1, maxFrozenMemtables: 1, durability: "buffered" } as const
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* Effect.forEach(batches, (key) => store.write(WriteBatch.make().put(key, "v")), {
              concurrency: "unbounded",
              discard: true
            })
            expect(yield* store.count()).toBe(60)
            const { memory, stalls } = yield* store.stats
            expect(memory.frozenCount).toBeLessThanOrEqual(1)
            expect(stalls.stops).toBeGreaterThan(0)
          }),
        tuning
      )
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(60)), tuning)
    })
  )

  it("7: the package does not install: a missing dependency, a missing README, two version numbers", () => {
    const text = (name: string) => readFileSync(fileURLToPath(new URL(name, root)), "utf8")
    const manifest = JSON.parse(text("package.json"))
    const lock = packageLock()
    expect(existsSync(new URL("README.md", root))).toBe(true)
    expect(existsSync(new URL("LICENSE", root))).toBe(true)
    expect([lock.version, lock.packages[""]?.version]).toStrictEqual([manifest.version, manifest.version])
    expect(text("CHANGELOG.md")).toContain(manifest.version)
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      expect(lock.packages[`node_modules/${name}`], name).toBeDefined()
    }
  })

  it.scoped("8: bad input fails deep inside or damages the store", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("", "the empty key is a key")
          const bad: ReadonlyArray<unknown> = [
            undefined,
            null,
            1,
            {},
            [1],
            true,
            Symbol("s"),
            new ArrayBuffer(1),
            new Date()
          ]
          for (const input of bad) {
            for (const use of [
              store.put(input as string, "v"),
              store.put("k", input as string),
              store.delete(input as string),
              store.get(input as string),
              store.write(
                WriteBatch.make()
                  .put("k", "v")
                  .put(input as string, "v")
              ),
              store.write(input as WriteBatch.WriteBatch)
            ]) {
              expect(yield* Effect.flip(use as Effect.Effect<unknown, unknown>)).toMatchObject({
                _tag: "InvalidArgument"
              })
            }
          }
          const huge = new Uint8Array(256 * 1024 * 1024 + 1)
          for (const use of [store.put("k", huge), store.put(huge, "v"), store.put(huge.subarray(0, 65_537), "v")]) {
            expect(yield* Effect.flip(use)).toMatchObject({ _tag: "LimitExceeded" })
          }
          expect((yield* store.stats).written.log).toBe((yield* store.stats).log.segmentBytes - 61)
          yield* store.put("good", "still")
          expect(yield* pairs(store.scan())).toStrictEqual([
            ["", "the empty key is a key"],
            ["good", "still"]
          ])
        })
      )
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(2)))
    })
  )

  it.scoped("9: closing drops what was queued for flushing", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
      for (const durability of ["sync", "buffered", { interval: "1 hour" }] as const) {
        yield* withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              const batch = WriteBatch.make()
              for (const key of keys) batch.put(key, JSON.stringify(durability).repeat(100))
              yield* store.write(batch)
              yield* store.put("last", JSON.stringify(durability))
            }),
          { durability, memtableBytes: 4096, maxFrozenMemtables: 8 }
        )
        yield* withStore(place, (store) =>
          Effect.gen(function* () {
            expect(yield* store.count()).toBe(201)
            expect(yield* store.getString("last")).toStrictEqual(Option.some(JSON.stringify(durability)))
            expect(yield* store.getString("k7")).toStrictEqual(Option.some(JSON.stringify(durability).repeat(100)))
          })
        )
      }
    })
  )
})
