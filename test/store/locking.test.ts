import { fork } from "node:child_process"
import { chmodSync, mkdirSync, readdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LsmStore, Storage } from "effect-lsm"
import { type Child, type ChildOptions, childProgram, spawnChild } from "../support/childProcess.js"
import { turn } from "../support/eventually.js"
import { faultyStorage } from "../support/faultyStorage.js"
import { disk, memory, type Place, withStore } from "../support/places.js"
import { onLinux, withNamespaces } from "../support/system.js"

/** A cleanly closed store with one entry. */
const closed = Effect.tap(disk, (place) => withStore(place, (store) => store.put("k", "v")))

const verify = (directory: string) => LsmStore.verify({ directory })

const readOnly = (directory: string) => Effect.scoped(LsmStore.make({ directory, readOnly: true }))

const refusal = (work: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(work), (error) => (error as { readonly _tag: string })._tag)

/** The outcome of another process that opens the directory. */
const other = ({ directory }: Place, options?: ChildOptions) =>
  Effect.scoped(Effect.flatMap(spawnChild(["hold", directory], [], options), ({ line }) => line))

/** A process that owns the directory. */
const owner = ({ directory }: Place, options?: ChildOptions): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.tap(spawnChild(["hold", directory], [], options), ({ line }) =>
    Effect.map(line, (outcome) => expect(outcome).toBe("open"))
  )

const names = ({ directory }: Place) => readdirSync(directory).filter((name) => name.startsWith("LOCK"))

describe("a directory has one owner", () => {
  for (const [name, where] of [
    ["on disk", disk],
    ["in memory", memory]
  ] as const) {
    it.scoped(`in one process, ${name}`, () =>
      Effect.gen(function* () {
        const place = yield* where
        yield* withStore(place, (store) =>
          Effect.gen(function* () {
            yield* store.put("k", "v")
            const second = yield* Effect.flip(withStore(place, () => Effect.void))
            expect(second).toMatchObject({ _tag: "StoreLocked", directory: place.directory })
            expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
            yield* store.put("k", "w")
          })
        )
        yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(1)))
      })
    )
  }

  it.scoped("through any path, however long", () =>
    Effect.gen(function* () {
      const home = yield* disk
      const directory = join(home.directory, "a long name ".repeat(10).trim(), "b".repeat(100))
      const place: Place = {
        directory,
        open: (tuning) => LsmStore.layer({ ...tuning, directory })
      }
      const link = join(home.directory, "link")
      symlinkSync(directory, link)
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          expect(yield* refusal(withStore(place, () => Effect.void))).toBe("StoreLocked")
          expect(yield* refusal(readOnly(link))).toBe("StoreLocked")
          expect(yield* other(place)).toBe("StoreLocked")
          expect(yield* other({ ...place, directory: link })).toBe("StoreLocked")
        })
      )
      expect(names(place)).toStrictEqual([])
      expect(yield* other(place)).toBe("open")
    })
  )

  it.scoped("when several stores open it at the same moment", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const othersRefused = yield* Effect.makeLatch(false)
      let refused = 0
      const open = withStore(place, () => othersRefused.await).pipe(
        Effect.as("opened"),
        Effect.catchTag("StoreLocked", ({ _tag }) => {
          if (++refused === 2) othersRefused.unsafeOpen()
          return Effect.succeed(_tag)
        })
      )
      const outcomes = yield* Effect.all([open, open, open], { concurrency: "unbounded" })
      expect(outcomes.sort()).toStrictEqual(["StoreLocked", "StoreLocked", "opened"])
    })
  )

  it.scoped("among processes; a killed process owns nothing", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const child = yield* owner(place)
      const files = () => readdirSync(place.directory).filter((file) => !file.endsWith(".log"))
      const before = files()
      expect(yield* Effect.flip(withStore(place, () => Effect.void))).toMatchObject({ _tag: "StoreLocked" })
      expect(files()).toStrictEqual(before)
      yield* child.kill
      yield* withStore(place, (store) => store.put("k", "v"))
      expect(names(place)).toStrictEqual([])
    })
  )

  it.scoped("among the threads of a process", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const thread = Effect.acquireRelease(
        Effect.sync(() => new Worker(childProgram(), { workerData: ["hold", place.directory], stdin: true })),
        (worker) => Effect.promise(() => worker.terminate())
      )
      const line = (worker: Worker) =>
        Effect.async<unknown>((resume) => {
          worker.once("message", (message) => resume(Effect.succeed(message)))
          worker.once("error", (error) => resume(Effect.die(error)))
        })
      const attempt = Effect.scoped(Effect.flatMap(thread, line))
      yield* withStore(place, () => Effect.map(attempt, (outcome) => expect(outcome).toBe("StoreLocked")))
      yield* Effect.scoped(
        Effect.gen(function* () {
          expect(yield* Effect.flatMap(thread, line)).toBe("open")
          expect(yield* attempt).toBe("StoreLocked")
          expect(yield* refusal(withStore(place, () => Effect.void))).toBe("StoreLocked")
        })
      )
      // A terminated thread releases its lock without a clean close.
      yield* withStore(place, (store) => store.put("k", "v"))
      expect(names(place)).toStrictEqual([])
    })
  )

  it.scoped("among processes, even before its first write", () =>
    Effect.gen(function* () {
      const place = yield* closed
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
          expect(yield* other(place)).toBe("StoreLocked")
          expect(yield* refusal(readOnly(place.directory))).toBe("StoreLocked")
          expect(yield* refusal(Stream.runDrain(verify(place.directory)))).toBe("StoreLocked")
          yield* store.put("k", "w")
          expect(yield* other(place)).toBe("StoreLocked")
        })
      )
      expect(yield* other(place)).toBe("open")
    })
  )

  it.scoped("without an external lock program", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const env = { PATH: join(place.directory, "nowhere") }
      const first = yield* owner(place, { env })
      expect(yield* other(place, { env })).toBe("StoreLocked")
      expect(yield* refusal(withStore(place, () => Effect.void))).toBe("StoreLocked")
      yield* first.kill
      expect(yield* other(place, { env })).toBe("open")
    })
  )

  it.scoped("whose child processes do not inherit the lock", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const scope = yield* Scope.make()
      const store = yield* Scope.extend(LsmStore.make({ directory: place.directory }), scope)
      yield* store.put("k", "w")
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => fork(childProgram(), ["idle"], { stdio: "ignore" })),
        (process) => Effect.sync(() => process.kill("SIGKILL"))
      )
      yield* Effect.async<void>((resume) => void child.once("spawn", () => resume(Effect.void)))
      yield* Scope.close(scope, Exit.void)
      yield* withStore(place, (again) => again.put("k", "x"))
    })
  )

  withNamespaces("among processes in different pid and network namespaces", (unshare) =>
    Effect.gen(function* () {
      const place = yield* closed
      const env = { PATH: join(place.directory, "nowhere") }
      const under = [unshare, "-n", "-p", "--fork", "--kill-child"]
      const first = yield* owner(place, { under, env })
      // Each process has pid 1 in its own namespace.
      expect(yield* other(place, { under, env })).toBe("StoreLocked")
      expect(yield* refusal(withStore(place, () => Effect.void))).toBe("StoreLocked")
      expect(yield* refusal(readOnly(place.directory))).toBe("StoreLocked")
      yield* first.kill
      expect(yield* other(place, { under, env })).toBe("open")
      yield* withStore(place, () =>
        Effect.map(other(place, { under, env }), (outcome) => expect(outcome).toBe("StoreLocked"))
      )
    })
  )

  onLinux("also if the owner only reads, and it leaves no lock file behind", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const reading = LsmStore.make({ directory: place.directory, readOnly: true })
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* reading
          expect(names(place)).toHaveLength(1)
          expect(yield* other(place)).toBe("StoreLocked")
          expect(yield* refusal(readOnly(place.directory))).toBe("StoreLocked")
        })
      )
      expect(names(place)).toStrictEqual([])
    })
  )
})

describe("a directory whose store is closed while it opens", () => {
  it.scopedLive("stays locked until the opening has ended", () =>
    Effect.gen(function* () {
      const { directory } = yield* disk
      const real = yield* Storage.make
      const reached = yield* Effect.makeLatch(false)
      const goOn = yield* Effect.makeLatch(false)
      let isFirst = true
      const slow: Storage.StorageService = {
        ...real,
        exists: (path) => {
          if (!isFirst || !/CURRENT.+/.test(path)) return real.exists(path)
          isFirst = false
          return reached.open.pipe(Effect.zipRight(goOn.await), Effect.zipRight(real.exists(path)))
        }
      }
      const scope = yield* Scope.make()
      const opening = Layer.build(LsmStore.layerFromStorage({ directory })).pipe(
        Effect.provideService(Storage.Storage, slow)
      )
      yield* Scope.extend(Effect.forkScoped(opening), scope)
      yield* reached.await
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      for (let i = 0; i < 100; i++) yield* turn
      const second = Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), (store) => store.put("k", "v")))
      expect(yield* Effect.flip(second)).toMatchObject({ _tag: "StoreLocked" })
      yield* goOn.open
      yield* Fiber.join(closing)
      yield* second
      const value = Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), (store) => store.getString("k")))
      expect(yield* value).toStrictEqual(Option.some("v"))
    })
  )
})

describe("a released directory", () => {
  const options = { directory: "/memory" }
  const layers = {
    "one layer": LsmStore.layerFromStorage(options),
    "component layers": Layer.provide(LsmStore.layerFromComponents(options), LsmStore.layerComponents(options))
  }

  for (const [name, layer] of Object.entries(layers)) {
    it.effect(`has no open files, whatever failed before: ${name}`, () =>
      Effect.gen(function* () {
        for (const fails of [false, true]) {
          const storage = yield* faultyStorage()
          let openThen: ReadonlyArray<string> | undefined
          const { lock } = storage.service
          const watched: Storage.StorageService = {
            ...storage.service,
            lock: (directory, mode) =>
              Effect.zipRight(
                lock(directory, mode),
                Effect.addFinalizer(() =>
                  Effect.sync(() => {
                    openThen = [...storage.open.values()]
                  })
                )
              )
          }
          yield* Effect.gen(function* () {
            const store = yield* LsmStore.LsmStore
            for (const key of ["a", "b"]) yield* Effect.zipRight(store.put(key, "1"), store.flush)
            yield* store.get("a")
            yield* store.put("c", "1")
            expect(storage.open.size).toBeGreaterThan(0)
            if (fails) {
              storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, times: Number.POSITIVE_INFINITY })
              yield* Effect.ignore(store.put("d", "1"))
            }
          }).pipe(Effect.provide(layer), Effect.provide(Layer.succeed(Storage.Storage, watched)), Effect.scoped)
          expect(openThen, `fails: ${fails}`).toStrictEqual([])
        }
      })
    )
  }
})

describe("another user of the machine", () => {
  const asRoot = process.platform === "linux" && process.getuid?.() === 0 ? it.scoped : it.scoped.skip

  asRoot("can neither read nor block a store, even in a directory that is open to all", () =>
    Effect.gen(function* () {
      const home = yield* disk
      chmodSync(home.directory, 0o755)
      for (const isOpenToAll of [false, true]) {
        const directory = join(home.directory, isOpenToAll ? "open to all" : "private")
        if (isOpenToAll) {
          mkdirSync(directory)
          chmodSync(directory, 0o755)
        }
        yield* Effect.gen(function* () {
          const store = yield* LsmStore.make({ directory })
          yield* store.put("k", "v")
          const child = yield* spawnChild(["trouble", directory])
          const results = JSON.parse(yield* child.line) as Record<string, string>
          expect(results).toStrictEqual({
            list: isOpenToAll ? "allowed" : "EACCES",
            read: "EACCES",
            create: "EACCES",
            connect: "EACCES",
            remove: "EACCES"
          })
        }).pipe(Effect.scoped)
        yield* Effect.scoped(LsmStore.make({ directory }))
      }
    })
  )
})
