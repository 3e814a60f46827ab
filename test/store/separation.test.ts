import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LsmError, type LsmOptions, LsmStore, type Store, WriteBatch } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { eventually } from "../support/eventually.js"
import { directory, diskOf, errors, filesNamed, flip, quietly, without, withStore } from "../support/laboratory.js"
import * as places from "../support/places.js"

const separated: LsmOptions.Tuning = {
  valueThreshold: 100,
  durability: "buffered",
  tableBytes: 4000,
  level0Tables: 2,
  level1Bytes: 20_000
}

const key = (i: number) => `key ${String(i).padStart(4, "0")}`
const value = (i: number, round: number, length = 200 + (i % 7) * 50) => `${i} in round ${round} `.padEnd(length, "v")

/** Writes keys in batches, and returns the content. Every ninth value is small. */
const fill = (store: Store.Store, count: number, round: number, length?: number) =>
  Effect.gen(function* () {
    for (let from = 0; from < count; from += 50) {
      const batch = WriteBatch.make()
      for (let i = from; i < Math.min(count, from + 50); i++)
        batch.put(key(i), value(i, round, i % 9 === 0 ? 20 : length))
      yield* store.write(batch)
    }
  })

/** Writes each key twice. A flush then writes a value file, because half of the log is garbage. */
const fillTwice = (store: Store.Store, count: number, round: number) =>
  Effect.zipRight(fill(store, count, round), fill(store, count, round))

/** The places of large values after a flush. */
const placesOfValues = [
  { where: "in value files", kind: ".val", write: fillTwice },
  { where: "left in the log", kind: ".log", write: fill }
] as const

const content = (count: number, round: number) =>
  Array.from({ length: count }, (_, i) => [key(i), value(i, round, i % 9 === 0 ? 20 : undefined)] as const)

const valueFilesIn = (directory: string) => readdirSync(directory).filter((name) => name.endsWith(".val"))

/** The format version in the header of the manifest. */
const manifestVersion = (directory: string) => {
  const manifest = readdirSync(directory).find((name) => name.startsWith("MANIFEST-"))!
  return readFileSync(join(directory, manifest)).readUInt32LE(8)
}

describe.each(placesOfValues)("separated values $where", ({ kind, write }) => {
  it.scoped("are returned by every kind of read, also after compactions and a reopen", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      const check = (store: Store.Store) =>
        Effect.gen(function* () {
          const expected = content(300, 0)
          expect(yield* pairs(store.scan())).toStrictEqual(expected)
          expect(yield* pairs(store.scan({ reverse: true }))).toStrictEqual(expected.toReversed())
          const collected = yield* store.collect({ start: key(10), limit: 20 })
          expect(collected.map((entry) => Buffer.from(entry.value).toString())).toStrictEqual(
            expected.slice(10, 30).map(([, v]) => v)
          )
          expect(yield* store.count()).toBe(300)
          const cursor = yield* store.cursor()
          expect(yield* cursor.seek(key(20))).toBe(true)
          for (let i = 20; i < 40; i++) {
            const entry = Option.getOrThrow(yield* cursor.current)
            expect(Buffer.from(entry.value).toString()).toBe(expected[i]![1])
            yield* cursor.next
          }
          for (let i = 40; i > 30; i--) {
            const entry = Option.getOrThrow(yield* cursor.current)
            expect(Buffer.from(entry.value).toString()).toBe(expected[i]![1])
            yield* cursor.prev
          }
          const unsafe = store.unsafeCursor()
          unsafe.last()
          expect(Buffer.from(unsafe.value()!).toString()).toBe(expected.at(-1)![1])
          unsafe.close()
          const many = yield* store.getMany([key(1), "none", key(9)])
          expect(many.map(Option.map((bytes) => Buffer.from(bytes).toString()))).toStrictEqual([
            Option.some(expected[1]![1]),
            Option.none(),
            Option.some(expected[9]![1])
          ])
          for (const [name, text] of expected) {
            expect(yield* store.getString(name)).toStrictEqual(Option.some(text))
            expect(Buffer.from(store.unsafeGet(name)!).toString()).toBe(text)
            expect(yield* store.has(name)).toBe(true)
          }
        })
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* write(store, 300, 0)
            yield* store.flush
            const { valueFiles, levels, amplification } = yield* store.stats
            expect(valueFiles.count).toBeGreaterThan(0)
            if (kind === ".val") expect(valueFiles.bytes).toBe(valueFiles.liveBytes + 32 * valueFiles.count)
            else expect(valueFiles.bytes).toBeLessThan(valueFiles.liveBytes * 1.2)
            expect(levels[0]!.bytes).toBeLessThan(valueFiles.bytes / 3)
            expect(amplification.space).toBeLessThan(1.2)
            expect(yield* store.approximateSize()).toBeGreaterThan(valueFiles.liveBytes)
            yield* Effect.scoped(check(store))
            yield* store.compact()
            // A compaction keeps the handles.
            expect((yield* store.stats).valueFiles).toStrictEqual(valueFiles)
            yield* Effect.scoped(check(store))
            expect(yield* store.prometheus).toContain("lsm_value_files")
          }),
        separated
      )
      expect(manifestVersion(place.directory)).toBe(2)
      for (const more of [{ readOnly: true }, { maxOpenTables: 1 }, {}]) {
        yield* places.withStore(place, (store) => Effect.scoped(check(store)), { ...separated, ...more })
      }
      const last = yield* Stream.runLast(LsmStore.verify({ directory: place.directory }))
      expect(Option.getOrThrow(last)).toMatchObject({ _tag: "Verified", errors: 0, notices: 0 })
    })
  )

  it.scoped("that are damaged or missing are Corruption, with the file and the region", () =>
    Effect.gen(function* () {
      const { disk, files, valueFile } = yield* Effect.gen(function* () {
        const made = diskOf()
        yield* withStore(made, (store) => Effect.zipRight(write(store, 50, 0), store.flush), separated)
        const all = made.contents()
        return { disk: made, files: all, valueFile: filesNamed(all, kind)[0]! }
      })
      expect(disk).toBeDefined()
      const damaged = diskOf(flip(files, valueFile, 1000))
      yield* withStore(damaged, (store) =>
        Effect.gen(function* () {
          const outcomes = yield* Effect.forEach(content(50, 0), ([name, text]) =>
            Effect.match(store.getString(name), {
              onSuccess: (found) => (Option.getOrThrow(found) === text ? "right" : "wrong"),
              onFailure: (error) => error
            })
          )
          const errors = outcomes.filter((outcome) => outcome !== "right")
          expect(errors).toHaveLength(1)
          const [error] = errors
          expect(error).toBeInstanceOf(LsmError.Corruption)
          expect(error).toMatchObject({ file: valueFile, region: "value", reason: "checksum mismatch" })
          const { offset } = error as LsmError.Corruption
          expect(offset).toBeLessThanOrEqual(1000)
          const scanned = yield* Effect.flip(pairs(store.scan()))
          expect(scanned).toMatchObject({ _tag: "Corruption", file: valueFile, offset })
          const reversed = yield* Effect.flip(pairs(store.scan({ reverse: true })))
          expect(reversed).toMatchObject({ _tag: "Corruption", file: valueFile, offset })
          expect(yield* store.count()).toBe(50)
          const cursor = yield* store.cursor()
          yield* cursor.first
          let failures = 0
          for (let i = 0; i < 50; i++) {
            failures += yield* Effect.match(cursor.current, { onSuccess: () => 0, onFailure: () => 1 })
            yield* cursor.next
          }
          // A cursor stands on the entry, and goes on.
          expect(failures).toBe(1)
          const unsafe = store.unsafeCursor()
          let thrown: unknown
          for (unsafe.first(); unsafe.valid; unsafe.next()) {
            try {
              unsafe.value()
            } catch (failure) {
              thrown = failure
            }
          }
          expect(thrown).toBeInstanceOf(LsmError.Corruption)
        }).pipe(Effect.scoped)
      )
      const open = withStore(diskOf(without(files, valueFile)), () => Effect.void)
      expect(yield* Effect.flip(open)).toMatchObject({ _tag: "Corruption", file: valueFile, region: "file" })
      // Verification names the value, with its key, or the file.
      const [finding, ...others] = yield* errors(damaged)
      expect(others).toStrictEqual([])
      expect(finding).toMatchObject({ file: valueFile, region: "value" })
      expect(finding!.keys!.from).toStrictEqual(finding!.keys!.to)
      const missing = yield* errors(diskOf(without(files, valueFile)))
      expect(missing).toHaveLength(1)
      expect(missing[0]).toMatchObject({ file: valueFile, region: "file" })
    }).pipe(quietly)
  )
})

describe("separated values", () => {
  it.scoped("are not read by reads that return none", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, (store) => Effect.zipRight(fill(store, 100, 0), store.flush), separated)
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            const openFiles = readdirSync("/proc/self/fd").length
            expect(yield* store.count()).toBe(100)
            expect((yield* Stream.runCollect(store.keys())).length).toBe(100)
            expect(yield* store.has(key(3))).toBe(true)
            const cursor = yield* store.cursor({ keysOnly: true })
            expect(yield* cursor.last).toBe(true)
            expect((yield* cursor.take(3, { reverse: true })).length).toBe(3)
            const tables = (yield* store.stats).tables
            expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(openFiles + tables)
            yield* store.getString(key(3))
            expect(readdirSync("/proc/self/fd").length).toBe(openFiles + tables + 1)
          }).pipe(Effect.scoped),
        separated
      )
    })
  )

  it.scoped("can be switched on, off and on again between opens", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      const rewrite = (round: number, tuning: LsmOptions.Tuning) =>
        places.withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              if (round > 0) expect(yield* pairs(store.scan())).toStrictEqual(content(120, round - 1))
              yield* fill(store, 120, round)
              yield* store.flush
              yield* store.compact()
              expect(yield* pairs(store.scan())).toStrictEqual(content(120, round))
              return yield* store.stats
            }),
          tuning
        )
      const off = { ...separated, valueThreshold: Number.POSITIVE_INFINITY }
      expect((yield* rewrite(0, off)).valueFiles).toStrictEqual({ count: 0, bytes: 0, liveBytes: 0 })
      expect(manifestVersion(place.directory)).toBe(1)
      expect((yield* rewrite(1, separated)).valueFiles.count).toBeGreaterThan(0)
      expect(manifestVersion(place.directory)).toBe(2)
      // All values are overwritten, so nothing has a handle any more.
      expect((yield* rewrite(2, off)).valueFiles.count).toBe(0)
      expect(valueFilesIn(place.directory)).toStrictEqual([])
      yield* rewrite(3, { ...separated, valueThreshold: 1 })
      yield* rewrite(4, { ...separated, valueThreshold: 300 })
      expect((yield* rewrite(5, off)).valueFiles.count).toBe(0)
      yield* places.withStore(place, (store) => store.put("k", "v"), off)
      // A new manifest without value files has the version that earlier releases read.
      expect(manifestVersion(place.directory)).toBe(1)
    })
  )

  it.scoped("that were written inline are separated when a compaction writes them", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, (store) => Effect.zipRight(fill(store, 100, 0), store.compact()))
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* store.delete(key(0))
            yield* store.compact()
            expect((yield* store.stats).valueFiles.count).toBeGreaterThan(0)
            expect(yield* pairs(store.scan())).toStrictEqual(content(100, 0).slice(1))
          }),
        separated
      )
    })
  )

  for (const [where, make] of [
    ["in this thread", places.memory],
    ["in another thread", places.memoryWithThread]
  ] as const) {
    it.scoped(
      `take at most one and a half times the space in use when they are overwritten, with compactions ${where}`,
      () =>
        Effect.gen(function* () {
          const place = yield* make
          yield* places.withStore(
            place,
            (store) =>
              Effect.gen(function* () {
                let written = 0
                for (let round = 0; round < 8; round++) {
                  for (let from = 0; from < 200; from += 40) {
                    const batch = WriteBatch.make()
                    for (let i = from; i < from + 40; i++) {
                      const at = round === 0 ? i : (i * 7919 + round * 31 + ((i * i) % 13)) % 200
                      batch.put(key(at), value(at, round, 300))
                      written += 300
                    }
                    yield* store.write(batch)
                    yield* store.flush
                  }
                }
                yield* eventually(
                  Effect.map(store.stats, ({ valueFiles: { bytes, count, liveBytes } }) => {
                    return bytes - 32 * count <= 1.5 * liveBytes
                  }),
                  (isWithin) => isWithin
                )
                yield* store.compact()
                const { valueFiles } = yield* store.stats
                expect(valueFiles.liveBytes).toBe(200 * 300)
                expect(valueFiles.bytes - 32 * valueFiles.count).toBeLessThanOrEqual(1.5 * valueFiles.liveBytes)
                expect(written).toBeGreaterThan(5 * valueFiles.bytes)
                expect((yield* store.stats).backgroundError).toBeUndefined()
              }),
            separated
          )
        })
    )
  }

  it.scoped("that an open cursor or snapshot sees stay until it is closed", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fillTwice(store, 100, 0)
            yield* store.flush
            const before = valueFilesIn(place.directory)
            expect(before.length).toBeGreaterThan(0)
            const scope = yield* Scope.make()
            const cursor = yield* Scope.extend(store.cursor(), scope)
            yield* cursor.first
            const snapshotScope = yield* Scope.make()
            const snapshot = yield* Scope.extend(store.snapshot, snapshotScope)
            yield* fill(store, 100, 1)
            yield* store.compact()
            expect(yield* pairs(store.scan({ snapshot }))).toStrictEqual(content(100, 0))
            yield* Scope.close(snapshotScope, Exit.void)
            yield* store.compact()
            expect(yield* pairs(store.scan())).toStrictEqual(content(100, 1))
            // The cursor's version has the old value files.
            expect(valueFilesIn(place.directory)).toStrictEqual(expect.arrayContaining(before))
            const entries = yield* cursor.take(100)
            expect(entries.map((entry) => Buffer.from(entry.value).toString())).toStrictEqual(
              content(100, 0).map(([, v]) => v)
            )
            yield* Scope.close(scope, Exit.void)
            yield* eventually(
              Effect.sync(() => valueFilesIn(place.directory)),
              (names) => before.every((name) => !names.includes(name))
            )
          }),
        separated
      )
    })
  )

  it.effect("that no table has a handle to are removed when the store is opened", () =>
    Effect.gen(function* () {
      const made = diskOf()
      yield* withStore(made, (store) => Effect.zipRight(fillTwice(store, 50, 0), store.flush), separated)
      const [valueFile] = filesNamed(made.contents(), ".val")
      const orphan = `${directory}/000900.val`
      const bytes = made.contents().get(valueFile!)!.slice()
      made.place(orphan, bytes)
      // The application may have a file of such a name.
      made.place(`${directory}/000901.val`, Buffer.from("this is no file of the store, but of the application"))
      const { recovery } = yield* withStore(made, (store) => Effect.zipRight(store.put("a", "b"), store.stats))
      expect(recovery.orphans).toStrictEqual(["000900.val"])
      expect(filesNamed(made.contents(), ".val")).toStrictEqual([valueFile, `${directory}/000901.val`])
    }).pipe(quietly)
  )

  for (const { title, writes, kind } of [
    { title: "stay in the log if they are most of it", writes: 1, small: 0, kind: ".log" },
    { title: "are copied by a flush if half of them are superseded", writes: 2, small: 0, kind: ".val" },
    { title: "are copied by a flush if the log has much else", writes: 1, small: 9, kind: ".val" }
  ].map((given) => ({
    ...given,
    writes: (store: Store.Store) =>
      Effect.gen(function* () {
        const large = (i: number, round: number) => value(i, round, 3000 + i)
        for (let round = 1; round <= given.writes; round++) {
          for (let i = 0; i < 30; i++) {
            const durability = (["sync", "buffered", { interval: "1 minute", maxBytes: 1e9 }] as const)[i % 3]!
            if (i % 4 < 2)
              yield* store.put(key(i), large(i, round), { durability, ...(i % 4 === 1 ? { ttl: "1 day" } : {}) })
            else {
              const batch = WriteBatch.make()
                .put(`a${key(i)}`, "small")
                .put(key(i), large(i, round))
              batch
                .put(`b${key(i)}`, large(i, round), { ttl: "1 day" })
                .delete("none")
                .deleteRange({ prefix: "nothing" })
              yield* store.write(batch, { durability })
            }
            for (let n = 0; n < given.small; n++) yield* store.put(`c${key(i)}${n}`, "x".repeat(90 * 5))
          }
        }
        const last = given.writes
        return Array.from({ length: 30 }, (_, i) =>
          i % 4 < 2
            ? [[key(i), large(i, last)]]
            : [
                [`a${key(i)}`, "small"],
                [key(i), large(i, last)],
                [`b${key(i)}`, large(i, last)]
              ]
        ).flat() as Array<[string, string]>
      })
  }))) {
    it.scoped(title, () =>
      Effect.gen(function* () {
        const place = yield* places.disk
        const tuning: LsmOptions.Tuning = { valueThreshold: 2000, durability: "buffered" }
        const check = (store: Store.Store, expected: ReadonlyArray<readonly [string, string]>) =>
          Effect.forEach(expected, ([name, text]) =>
            Effect.map(store.getString(name), (found) => expect(found).toStrictEqual(Option.some(text)))
          )
        const expected = yield* places.withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              const written = yield* writes(store)
              yield* store.flush
              const { valueFiles } = yield* store.stats
              expect(valueFiles.count).toBe(1)
              expect(valueFilesIn(place.directory).length).toBe(kind === ".val" ? 1 : 0)
              yield* check(store, written)
              return written
            }),
          tuning
        )
        yield* places.withStore(place, (store) => Effect.zipRight(store.compact(), check(store, expected)), tuning)
        yield* places.withStore(place, (store) => check(store, expected), tuning)
        const last = yield* Stream.runLast(LsmStore.verify({ directory: place.directory }))
        expect(Option.getOrThrow(last)).toMatchObject({ _tag: "Verified", errors: 0, notices: 0 })
      })
    )
  }

  it.scoped("are flushed long before they fill a memtable, unless they are not separated", () =>
    Effect.gen(function* () {
      const [size, count] = [256 * 1024, 70]
      const tables = (valueThreshold?: number) =>
        Effect.gen(function* () {
          const place = yield* places.disk
          const kept = yield* places.withStore(
            place,
            (store) =>
              Effect.gen(function* () {
                for (let i = 0; i < count; i++) yield* store.put(key(i), new Uint8Array(size).fill(i))
                if (valueThreshold !== undefined) return (yield* store.stats).tables
                return (yield* eventually(store.stats, (stats) => stats.tables > 0)).tables
              }),
            { durability: "buffered", valueThreshold }
          )
          yield* places.withStore(place, (store) =>
            Effect.gen(function* () {
              for (let i = 0; i < count; i++) {
                const value = Option.getOrThrow(yield* store.get(key(i)))
                expect([value.length, value[0], value[size - 1]]).toStrictEqual([size, i, i])
              }
            })
          )
          return kept
        })
      expect(yield* tables()).toBe(1)
      expect(yield* tables(Number.POSITIVE_INFINITY)).toBe(0)
    })
  )

  it.effect("valueThreshold is checked", () =>
    Effect.gen(function* () {
      for (const valueThreshold of [0, -1, 1.5, Number.NaN, "1" as never]) {
        const error = yield* Effect.flip(Effect.scoped(LsmStore.makeMemory({ valueThreshold })))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "valueThreshold" })
      }
    })
  )
})
