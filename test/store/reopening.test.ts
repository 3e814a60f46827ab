import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmStore, Storage, type Store } from "effect-lsm"
import { unusedFrom } from "../../src/core/log/logSegment.js"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { openStore } from "../support/openStore.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const session = <A, E>(directory: string, use: (store: Store.Store) => Effect.Effect<A, E>, create = true) =>
  Effect.scoped(Effect.flatMap(LsmStore.make({ directory, createIfMissing: create }), use))

const files = (directory: string, pattern: RegExp) =>
  readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort()

describe("reopening", () => {
  it.scopedLive("many times does not make the log grow", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* session(directory, (store) => store.put("key", "value"))
      for (let i = 0; i < 30; i++) yield* session(directory, (store) => store.get("key"))
      expect(files(directory, /\.log$/).length).toBeLessThan(6)
      for (let i = 0; i < 30; i++) yield* session(directory, (store) => store.put(`key ${i}`, "value"))
      expect(files(directory, /\.log$/).length).toBeLessThan(12)
      expect(yield* session(directory, (store) => store.count())).toBe(31)
    })
  )

  // The first power cut left torn ends in segments 3 and 4. The second came when the recovery had
  // flushed the rest of segment 3 and removed it. Records 72 to 92 were never on disk.
  it.scopedLive("after two power cuts, the second during the recovery, drops what the first recovery dropped", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const fixture = fileURLToPath(new URL("../fixtures/detached-segment", import.meta.url))
      for (const name of files(fixture, /./)) copyFileSync(join(fixture, name), join(directory, name))
      const findings = yield* LsmStore.verify({ directory }).pipe(
        Stream.filter((event) => event._tag === "Finding" && event.severity === "error"),
        Stream.runCount
      )
      expect(findings).toBe(0)
      const first = yield* session(directory, (store) => Effect.all([store.count(), store.stats]))
      const { sequence, recovery } = first[1]
      expect([first[0], sequence, recovery.dropped.map(({ file, offset }) => [basename(file), offset])]).toEqual([
        45,
        71,
        [["000004.log", 32]]
      ])
      yield* session(directory, (store) => store.put("after it", "1"))
      expect(yield* session(directory, (store) => store.count())).toBe(46)
    })
  )

  it.scopedLive("after the end of a closed log was cut off fails with Corruption, never with a shorter store", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* session(directory, (store) =>
        Effect.forEach(
          Array.from({ length: 20 }, (_, i) => i),
          (i) => store.put(`key ${i}`, "value"),
          { discard: true }
        )
      )
      const log = files(directory, /\.log$/)
        .map((name) => join(directory, name))
        .find((path) => statSync(path).size > 100)!
      truncateSync(log, unusedFrom(readFileSync(log), 0) - 40)
      const error = yield* Effect.flip(session(directory, (store) => store.count()))
      expect(error).toMatchObject({ _tag: "Corruption", file: log, region: "log frame" })
    })
  )

  it.scopedLive("after a crash does not take the log's unused space for a torn end", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const crashed = yield* temporaryDirectory
      yield* session(directory, (store) =>
        Effect.gen(function* () {
          for (let i = 0; i < 20; i++) yield* store.put(`key ${i}`, "value")
          for (const name of files(directory, /^(?!LOCK)/)) copyFileSync(join(directory, name), join(crashed, name))
        })
      )
      const logs = files(crashed, /\.log$/).map((name) => readFileSync(join(crashed, name)))
      expect(logs.some((bytes) => bytes.length - unusedFrom(bytes, 0) > 10_000)).toBe(true)
      const { count, dropped } = yield* session(crashed, (store) =>
        Effect.all({ count: store.count(), dropped: Effect.map(store.stats, ({ recovery }) => recovery.dropped) })
      )
      expect({ count, dropped }).toEqual({ count: 20, dropped: [] })
    })
  )

  it.scopedLive("with an older copy of the manifest fails with Corruption, and removes nothing", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const old = yield* temporaryDirectory
      yield* session(directory, (store) => Effect.zipRight(store.put("a", "1"), store.flush))
      for (const name of files(directory, /CURRENT|MANIFEST/)) copyFileSync(join(directory, name), join(old, name))
      yield* session(directory, (store) => store.put("b", "2"))
      for (const name of files(directory, /CURRENT|MANIFEST/)) unlinkSync(join(directory, name))
      for (const name of files(old, /./)) copyFileSync(join(old, name), join(directory, name))
      const before = files(directory, /./)
      const error = yield* Effect.flip(session(directory, (store) => store.count()))
      expect(error._tag).toBe("Corruption")
      expect(files(directory, /./)).toEqual(before)
    })
  )

  it.scopedLive("finds no leftovers of a store that was closed while it removed tables", () =>
    Effect.gen(function* () {
      const memory = yield* Storage.makeMemory
      const removing = yield* Effect.makeLatch(false)
      const storage: Storage.StorageService = {
        ...memory,
        remove: (path) =>
          Effect.suspend(() => {
            if (path.endsWith(".sst")) removing.unsafeOpen()
            return Effect.zipRight(memory.yieldToEventLoop, memory.remove(path))
          })
      }
      const open = openStore(storage, { directory: "/memory", durability: "buffered", level0Tables: 20 })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* open
          for (let i = 0; i < 5; i++) yield* Effect.zipRight(store.put("key", `${i}`), store.flush)
          // The tables are removed in the background once they have no readers.
          yield* Effect.scoped(Effect.zipRight(store.cursor(), store.compact()))
          yield* removing.await
        })
      )
      const { recovery } = yield* Effect.scoped(Effect.flatMap(open, ({ stats }) => stats))
      expect(recovery.orphans).toStrictEqual([])
    })
  )

  it.scopedLive("succeeds at whatever operation of a recovery the process ended", () =>
    Effect.gen(function* () {
      const directory = "/store"
      const options = { directory, durability: "buffered", memtableBytes: 1 } as const
      /** Opens a store on a disk with these files. `onChange` gets each new state of the disk. */
      const boot = (
        files: ReadonlyMap<string, Uint8Array>,
        onChange: (state: ReadonlyMap<string, Uint8Array>) => void
      ) => {
        const disk: MemoryDisk = new MemoryDisk({ after: () => onChange(disk.contents()) })
        disk.placeDirectory(directory)
        for (const [path, bytes] of files) disk.place(path, bytes)
        return openStore(fromMemoryDisk(disk), options)
      }
      const content = (store: Store.Store) =>
        Effect.map(Stream.runCollect(store.keys()), (found) => [...found].map((key) => Buffer.from(key).toString()))
      let now: ReadonlyMap<string, Uint8Array> = new Map()
      const session = Effect.flatMap(
        boot(new Map(), (state) => {
          now = state
        }),
        (store) => Effect.forEach(["a", "b", "c", "d"], (key) => store.put(key, "value"))
      )
      // The files before the store is closed, as after the end of the process.
      const left = yield* Effect.scoped(Effect.map(session, () => now))
      const states: Array<ReadonlyMap<string, Uint8Array>> = []
      yield* Effect.scoped(boot(left, (state) => states.push(state)))
      expect(states.length).toBeGreaterThan(20)
      for (const [i, state] of states.entries()) {
        const found = yield* Effect.scoped(
          Effect.flatMap(
            boot(state, () => undefined),
            content
          )
        )
        expect(found, `operation ${i}`).toStrictEqual(["a", "b", "c", "d"])
      }
    })
  )

  it.scopedLive("leaves nothing behind in a directory without a store", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "empty")
      mkdirSync(directory)
      const error = yield* Effect.flip(session(directory, (store) => store.get("key"), false))
      expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      expect(readdirSync(directory)).toEqual([])
      const nowhere = yield* Effect.flip(session(join(directory, "none"), (store) => store.get("key"), false))
      expect(nowhere._tag).toBe("InvalidArgument")
      expect(Option.isNone(yield* session(directory, (store) => store.get("key")))).toBe(true)
    })
  )
})
