import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { LsmStore, type Store, WriteBatch } from "effect-lsm"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { pairs } from "../support/bytes.js"
import { spawnChild } from "../support/childProcess.js"
import { diskOf, withStore } from "../support/laboratory.js"
import * as places from "../support/places.js"

const fill = (store: Store.Store) =>
  Effect.gen(function* () {
    yield* store.write(WriteBatch.make().put("a", "1").put("b", "old").put("x", "gone"))
    yield* store.flush
    yield* store.put("b", "2")
    yield* store.delete("x")
  })

const content = [
  ["a", "1"],
  ["b", "2"]
]

const openReading = (directory: string) => LsmStore.layer({ directory, readOnly: true })

/** Everything about a directory that is visible from outside. */
const picture = (directory: string) =>
  readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name)
      const { ino, mtimeNs, ctimeNs, size } = statSync(path, { bigint: true })
      return { name, ino, mtimeNs, ctimeNs, size, bytes: readFileSync(path).toString("hex") }
    })

describe("a read-only store", () => {
  it.effect("supports every kind of read, from tables and from the log", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, fill)
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            expect(yield* store.getString("b")).toStrictEqual(Option.some("2"))
            expect(yield* store.has("x")).toBe(false)
            expect(yield* pairs(store.scan())).toStrictEqual(content)
            expect(yield* pairs(store.scan({ reverse: true }))).toStrictEqual([...content].reverse())
            expect(yield* store.count()).toBe(2)
            const snapshot = yield* store.snapshot
            expect(yield* pairs(store.scan({ snapshot }))).toStrictEqual(content)
            const cursor = yield* store.cursor()
            expect(yield* cursor.last).toBe(true)
            expect(yield* store.stats).toMatchObject({ tables: 1, sequence: 5, recovery: { records: 2, orphans: [] } })
            expect(yield* store.prometheus).toContain("lsm_")
            expect(yield* store.approximateCount()).toBeGreaterThan(0)
            // Enough reads to reach the point where a loop of reads yields.
            for (let i = 0; i < 600; i++) yield* store.get("a")
          }).pipe(Effect.scoped),
        { readOnly: true }
      )
    })
  )

  it.effect("refuses every operation that writes", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, fill)
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            const batch = WriteBatch.make().put("k", "v")
            const writes = [store.put("k", "v"), store.delete("a"), store.write(batch), store.write(WriteBatch.make())]
            for (const write of [...writes, store.flush, store.sync, store.compact(), store.compact({ prefix: "a" })]) {
              expect(yield* Effect.flip(write)).toMatchObject({ _tag: "StoreReadOnly", directory: "/store" })
            }
            yield* store.resume
            expect(yield* pairs(store.scan())).toStrictEqual(content)
          }),
        { readOnly: true }
      )
    })
  )

  it.effect("changes no byte, not even of files that a crash left behind", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      yield* withStore(disk, fill)
      disk.place("/store/000099.sst", new Uint8Array(100))
      disk.place("/store/CURRENT-000098.tmp", new Uint8Array(3))
      const before = disk.contents()
      const operations = new Set<string>()
      const watched = new MemoryDisk({ before: ({ kind }) => void operations.add(kind) })
      for (const [path, bytes] of before) watched.place(path, bytes)
      const seen = yield* withStore(watched, (store) => pairs(store.scan()), { readOnly: true })
      expect(seen).toStrictEqual(content)
      expect(watched.contents()).toStrictEqual(before)
      expect([...operations].sort()).toStrictEqual(["list", "open", "read"])
      const { orphans } = yield* withStore(disk, (store) => Effect.map(store.stats, ({ recovery }) => recovery))
      expect(orphans).toContain("000099.sst")
    })
  )

  it.scoped("works in a directory without write permission", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, fill)
      for (const name of readdirSync(place.directory)) chmodSync(join(place.directory, name), 0o444)
      chmodSync(place.directory, 0o555)
      const before = picture(place.directory)
      const child = yield* spawnChild(["read", place.directory])
      expect([yield* child.line, yield* child.line, yield* child.line]).toStrictEqual(["EACCES", "EACCES", "2"])
      expect(picture(place.directory)).toStrictEqual(before)
      chmodSync(place.directory, 0o755)
    })
  )

  it.scoped("touches no file in a writable directory", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, fill)
      const before = picture(place.directory)
      const seen = yield* Effect.flatMap(LsmStore.LsmStore, (store) => pairs(store.scan())).pipe(
        Effect.provide(openReading(place.directory))
      )
      expect(seen).toStrictEqual(content)
      expect(picture(place.directory)).toStrictEqual(before)
      // Foreign files stay, including a LOCK file that the store does not need.
      writeFileSync(join(place.directory, "LOCK"), "1")
      const foreign = picture(place.directory)
      const again = yield* Effect.flatMap(LsmStore.LsmStore, (store) => store.count()).pipe(
        Effect.provide(openReading(place.directory))
      )
      expect(again).toBe(2)
      expect(picture(place.directory)).toStrictEqual(foreign)
    })
  )

  it.scoped("cannot be open at the same time as an owner, in this process or in another", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      const read = Effect.flatMap(LsmStore.LsmStore, (store) => store.count()).pipe(
        Effect.provide(openReading(place.directory))
      )
      yield* places.withStore(place, () =>
        Effect.map(Effect.flip(read), (error) => expect(error._tag).toBe("StoreLocked"))
      )
      const other = Effect.map(Effect.flip(places.withStore(place, () => Effect.void)), ({ _tag }) => _tag)
      const beside = yield* Effect.provide(
        Effect.flatMap(LsmStore.LsmStore, () =>
          Effect.zip(
            other,
            Effect.map(Effect.flip(read), ({ _tag }) => _tag)
          )
        ),
        openReading(place.directory)
      )
      expect(beside).toStrictEqual(["StoreLocked", "StoreLocked"])
      const child = yield* spawnChild(["hold", place.directory])
      expect(yield* child.line).toBe("open")
      expect((yield* Effect.flip(read))._tag).toBe("StoreLocked")
      yield* child.kill
      yield* Effect.provide(
        Effect.flatMap(LsmStore.LsmStore, () =>
          Effect.scoped(
            Effect.flatMap(spawnChild(["hold", place.directory]), (second) =>
              Effect.map(second.line, (line) => expect(line).toBe("StoreLocked"))
            )
          )
        ),
        openReading(place.directory)
      )
    })
  )

  it.scoped("creates nothing if there is no store", () =>
    Effect.gen(function* () {
      const { directory } = yield* places.disk
      for (const there of [join(directory, "nowhere"), join(directory, "empty"), join(directory, "foreign")]) {
        if (there.endsWith("empty")) mkdirSync(there)
        if (there.endsWith("foreign")) {
          mkdirSync(there)
          writeFileSync(join(there, "notes.txt"), "mine")
        }
        const error = yield* Effect.flip(Layer.launch(openReading(there)))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      }
      expect(readdirSync(directory)).not.toContain("nowhere")
      expect(readdirSync(join(directory, "empty"))).toStrictEqual([])
      const salvaging = LsmStore.layer({ directory, readOnly: true, recovery: "salvage" })
      expect(yield* Effect.flip(Layer.launch(salvaging))).toMatchObject({
        _tag: "InvalidArgument",
        argument: "recovery"
      })
    })
  )
})
