import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Worker as NodeThread } from "node:worker_threads"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type LsmOptions, LsmStore, Storage, type Store } from "effect-lsm"
import * as CompactionWorker from "effect-lsm/CompactionWorker"
import { builtFile } from "../support/builtPrograms.js"
import { pairs } from "../support/bytes.js"
import { faultyStorage } from "../support/faultyStorage.js"
import { quietly } from "../support/laboratory.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

class Users extends Context.Tag("test/Users")<Users, Store.Store>() {}
class Orders extends Context.Tag("test/Orders")<Orders, Store.Store>() {}

const store = (options: LsmOptions.LsmOptions) => Layer.scoped(LsmStore.LsmStore, LsmStore.make(options))

const use = <A, E>(options: LsmOptions.LsmOptions, body: (open: Store.Store) => Effect.Effect<A, E>) =>
  Effect.flatMap(LsmStore.LsmStore, body).pipe(Effect.provide(store(options)))

/** Runs an Effect in another working directory. */
const within = <A, E, R>(directory: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.cwd()
      process.chdir(directory)
      return before
    }),
    () => effect,
    (before) => Effect.sync(() => process.chdir(before))
  )

describe("a store's directory", () => {
  it.scoped("can be created while another store creates the same missing parents", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 5; i++) {
        const home = join(yield* temporaryDirectory, "x", "y")
        const both = Layer.mergeAll(
          Layer.scoped(Users, LsmStore.make({ directory: join(home, "users") })),
          Layer.scoped(Orders, LsmStore.make({ directory: join(home, "orders") }))
        )
        yield* Effect.flatMap(Effect.all([Users, Orders]), ([users, orders]) =>
          Effect.zip(users.put("k", "v"), orders.put("k", "v"))
        ).pipe(Effect.provide(both))
        expect(readdirSync(home).sort()).toStrictEqual(["orders", "users"])
      }
    })
  )

  it.scoped("is not created below a file, and replaces no file", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const file = join(home, "file")
      writeFileSync(file, "mine")
      for (const directory of [file, join(file, "below"), join(file, "far", "below")]) {
        const error = yield* Effect.flip(use({ directory }, () => Effect.void))
        expect(error).toMatchObject({ _tag: "StorageError", code: "ENOTDIR" })
      }
      expect(readdirSync(home)).toStrictEqual(["file"])
    })
  )

  it.effect("is durable, like its parents, before CURRENT points to a store in it", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage()
      const layer = LsmStore.layerFromStorage({ directory: "/a/b/store" })
      const open = Effect.flatMap(LsmStore.LsmStore, (opened) => opened.put("k", "v")).pipe(
        Effect.provide(layer),
        Effect.provide(storage.layer)
      )
      yield* open
      const { operations } = storage
      const at = (operation: string, path: string) =>
        operations.findIndex((one) => one.operation === operation && one.path === path)
      const pointed = at("rename", "/a/b/store/CURRENT-000001.tmp")
      for (const path of ["/a", "/a/b", "/a/b/store"]) {
        const made = operations.findLastIndex((one) => one.operation === "make directory" && one.path === path)
        expect(made).toBeGreaterThanOrEqual(0)
        const synced = at("sync directory", path.slice(0, path.lastIndexOf("/")) || "/")
        expect(synced).toBeGreaterThan(made)
        expect(synced).toBeLessThan(pointed)
      }
      // The parents of an existing store are not synced again.
      const before = operations.length
      yield* open
      const later = operations.slice(before).filter(({ operation }) => operation === "sync directory")
      expect(new Set(later.map(({ path }) => path))).toStrictEqual(new Set(["/a/b/store"]))
    })
  )

  it.effect("is created even if a parent cannot be opened for a sync, but not if the sync fails", () =>
    Effect.gen(function* () {
      for (const code of ["EACCES", "EINVAL", "EIO"]) {
        const storage = yield* faultyStorage()
        storage.inject({ fault: { _tag: "Refuse", code }, on: ["sync directory"], path: /^\/a$/ })
        const opened = yield* LsmStore.LsmStore.pipe(
          Effect.provide(LsmStore.layerFromStorage({ directory: "/a/store" })),
          Effect.provide(storage.layer),
          Effect.match({ onFailure: (error) => error, onSuccess: () => "opened" })
        )
        if (code === "EIO") expect(opened).toMatchObject({ _tag: "StorageError", code })
        else expect(opened).toBe("opened")
      }
    })
  )

  it.scoped("stays the same when the working directory changes", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* temporaryDirectory, yield* temporaryDirectory]
      const options = { directory: "data", memtableBytes: 32 * 1024, durability: "buffered" } as const
      const puts = (open: Store.Store, prefix: string, count: number) =>
        Effect.forEach(
          Array.from({ length: count }, (_, i) => `${prefix}${i}`),
          (key) => open.put(key, "x".repeat(100)),
          {
            discard: true
          }
        )
      yield* within(
        b,
        use(options, (open) => puts(open, "b", 50))
      )
      const files = readdirSync(join(b, "data"))
      for (const make of [LsmStore.make, CompactionWorker.makeStore]) {
        yield* within(
          a,
          Effect.scoped(
            Effect.gen(function* () {
              const open = yield* make(options)
              yield* within(b, Effect.zipRight(puts(open, "a", 2000), open.flush))
            })
          ).pipe(quietly)
        )
        expect(readdirSync(join(b, "data"))).toStrictEqual(files)
      }
      yield* use({ directory: join(a, "data") }, (open) => Effect.map(open.count(), (n) => expect(n).toBe(2000)))
      yield* use({ directory: join(b, "data") }, (open) => Effect.map(open.count(), (n) => expect(n).toBe(50)))
      // Verification and repair keep the working directory that they started in.
      yield* within(
        a,
        Effect.gen(function* () {
          const events = yield* LsmStore.verify({ directory: "data" }).pipe(
            Stream.tap(() => Effect.sync(() => process.chdir(b))),
            Stream.runCollect
          )
          expect([...events].at(-1)).toMatchObject({ _tag: "Verified", errors: 0 })
          process.chdir(a)
          const report = yield* LsmStore.repair("data", { into: "repaired" })
          expect(report).toMatchObject({ directory: join(a, "data"), into: join(a, "repaired"), lost: [] })
        })
      )
      expect(existsSync(join(b, "repaired"))).toBe(false)
    })
  )

  it.scoped("labels the metrics with the path as given", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const text = yield* within(
        home,
        use({ directory: "./data" }, (open) => open.prometheus)
      )
      expect(text).toContain('store="./data"')
    })
  )
})

describe("modes of new files and directories", () => {
  /** The modes of `directory` and of everything below it. */
  const modesIn = (directory: string): Record<string, ReadonlyArray<string>> => {
    const found = { files: new Set<string>(), directories: new Set<string>() }
    const look = (path: string): void => {
      const stat = statSync(path)
      const mode = (stat.mode & 0o777).toString(8)
      if (stat.isFile()) found.files.add(mode)
      if (!stat.isDirectory()) return
      found.directories.add(mode)
      for (const name of readdirSync(path)) look(join(path, name))
    }
    look(directory)
    return { files: [...found.files], directories: [...found.directories] }
  }
  const narrowed = (mode: number): ReadonlyArray<string> => [(mode & ~process.umask()).toString(8)]

  /** Makes a store with tables from flushes and from a compaction thread, and files kept aside. */
  const fill = (options: LsmOptions.LsmOptions) =>
    Effect.gen(function* () {
      const platform = NodeWorker.layerPlatform(
        () => new NodeThread(pathToFileURL(builtFile("internal/thread/compactionThread.js")))
      )
      const merger = Layer.provide(CompactionWorker.layerPlatform(options), platform)
      const layer = LsmStore.layerFromComponents(options).pipe(
        Layer.provide(LsmStore.layerComponents(options, { merger })),
        Layer.provide(Storage.layerWith(options))
      )
      yield* Effect.gen(function* () {
        const open = yield* LsmStore.LsmStore
        for (const value of ["1", "2"]) yield* Effect.zipRight(open.put("a", value), open.flush)
        yield* open.compact()
        yield* open.put("b", "3")
      }).pipe(Effect.provide(layer))
      const { directory } = options
      const table = readdirSync(directory).find((name) => name.endsWith(".sst"))!
      writeFileSync(join(directory, table), "damaged", { flag: "r+" })
      yield* use({ ...options, recovery: "salvage" }, (open) => open.put("c", "4"))
      expect(readdirSync(directory).some((name) => name.startsWith("aside-"))).toBe(true)
    }).pipe(quietly)

  for (const [name, modes] of [
    ["for their owner only", {}],
    ["as in the options, narrowed by the umask", { fileMode: 0o666, directoryMode: 0o777 }]
  ] as const) {
    it.scoped(`are ${name}`, () =>
      Effect.gen(function* () {
        const home = yield* temporaryDirectory
        const directory = join(home, "above", "store")
        yield* fill({ ...modes, directory })
        const { fileMode = 0o600, directoryMode = 0o700 } = modes as LsmOptions.Tuning
        const expected = { files: narrowed(fileMode), directories: narrowed(directoryMode) }
        expect(modesIn(join(home, "above"))).toStrictEqual(expected)
        const into = join(home, "repaired", "store")
        yield* LsmStore.repair(directory, { ...modes, into })
        expect(modesIn(join(home, "repaired"))).toStrictEqual(expected)
        yield* use({ ...modes, directory: into }, (open) =>
          Effect.map(pairs(open.scan()), (all) => expect(all.length).toBeGreaterThan(0))
        )
      })
    )
  }

  it.scoped("do not apply to existing files and directories", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "store")
      mkdirSync(directory, { mode: 0o755 })
      yield* use({ directory, fileMode: 0o644 }, (open) => open.put("a", "1"))
      const modes = (): Record<string, string> =>
        Object.fromEntries(
          readdirSync(directory).map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)])
        )
      const before = modes()
      yield* use({ directory }, (open) => open.put("b", "2"))
      const after = modes()
      for (const [name, mode] of Object.entries(after)) {
        if (name !== "CURRENT") expect([name, mode]).toStrictEqual([name, before[name] ?? "600"])
      }
      expect(statSync(directory).mode & 0o777).toBe(0o755 & ~process.umask())
    })
  )

  for (const modes of [
    { fileMode: 0o400 },
    { fileMode: 0o700 },
    { fileMode: 0o4600 },
    { fileMode: 384.5 },
    { directoryMode: 0o600 },
    { directoryMode: 0o1700 },
    { directoryMode: Number.NaN }
  ]) {
    it.effect(`cannot be ${JSON.stringify(modes)}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(use({ ...modes, directory: "/nowhere" }, () => Effect.void))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: Object.keys(modes)[0] })
      })
    )
  }
})
