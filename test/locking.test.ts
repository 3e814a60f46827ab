import type { spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LsmStore } from "effect-lsm"
import { claimName } from "../src/internal/claimedName.js"
import { lockByFlock } from "../src/internal/fileLock.js"
import { childProgram, spawnChild } from "./support/childProcess.js"
import { turn } from "./support/eventually.js"
import { disk, memory, withStore } from "./support/places.js"

const processes = createRequire(import.meta.url)("node:child_process") as { spawn: typeof spawn }

const setSpawn = (run: typeof spawn) =>
  Effect.sync(() => {
    processes.spawn = run
    syncBuiltinESMExports()
  })

/** While the program that locks a file cannot be started. */
const withoutLocker = <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const failing = (() => {
    throw Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" })
  }) as unknown as typeof spawn
  return Effect.acquireUseRelease(
    setSpawn(failing),
    () => use,
    () => setSpawn(spawnAsItWas)
  )
}
const spawnAsItWas = processes.spawn

const onLinux = process.platform === "linux" ? it.scoped : it.scoped.skip

/** A store with one entry that was closed in order. */
const closed = Effect.tap(disk, (place) => withStore(place, (store) => store.put("k", "v")))

const verify = (directory: string) => Stream.provideLayer(LsmStore.verify({ directory }), NodeFileSystem.layer)

const readOnly = (directory: string) =>
  Effect.scoped(LsmStore.make({ directory, readOnly: true })).pipe(Effect.provide(NodeFileSystem.layer))

/** A descriptor that holds the lock of a file, as one of another process would. */
const flocked = (path: string): Effect.Effect<number> =>
  Effect.async((resume) => {
    const fd = openSync(path, "a")
    lockByFlock(fd, path, "write", (_, release) => {
      expect(release).toBeDefined()
      resume(Effect.succeed(fd))
    })
  })

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

  it.scoped("by whatever path it is reached", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const other = yield* disk
      const link = join(other.directory, "link")
      symlinkSync(place.directory, link)
      const through = yield* disk
      yield* withStore(place, () =>
        Effect.map(
          Effect.flip(withStore({ ...through, open: (t) => place.open({ ...t, name: link }) }, () => Effect.void)),
          (error) => expect(error._tag).toBe("StoreLocked")
        )
      )
    })
  )

  it.scoped("when several open it at the same moment", () =>
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

  it.scoped("among processes; a killed one has none", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const child = yield* spawnChild(["hold", place.directory])
      expect(yield* child.line).toBe("open")
      const files = () => readdirSync(place.directory).filter((file) => !file.endsWith(".log"))
      const before = files()
      expect(yield* Effect.flip(withStore(place, () => Effect.void))).toMatchObject({ _tag: "StoreLocked" })
      expect(files()).toStrictEqual(before)
      yield* child.kill
      yield* withStore(place, (store) => store.put("k", "v"))
    })
  )

  it.scoped("among the threads of a process", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const answer = Effect.acquireUseRelease(
        Effect.sync(() => new Worker(childProgram(), { workerData: ["hold", place.directory], stdin: true })),
        (worker) =>
          Effect.async<unknown>((resume) => {
            worker.once("message", (line) => resume(Effect.succeed(line)))
            worker.once("error", (error) => resume(Effect.die(error)))
          }),
        (worker) => Effect.promise(() => worker.terminate())
      )
      yield* withStore(place, () => Effect.map(answer, (line) => expect(line).toBe("StoreLocked")))
    })
  )

  it.scoped("among processes, though it has written nothing yet", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const other = Effect.scoped(Effect.flatMap(spawnChild(["hold", place.directory]), ({ line }) => line))
      const refusal = (work: Effect.Effect<unknown, unknown>) =>
        Effect.map(Effect.flip(work), (error) => (error as { readonly _tag: string })._tag)
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
          expect(yield* other).toBe("StoreLocked")
          expect(yield* refusal(readOnly(place.directory))).toBe("StoreLocked")
          expect(yield* refusal(Stream.runDrain(verify(place.directory)))).toBe("StoreLocked")
          yield* store.put("k", "w")
          expect(yield* other).toBe("StoreLocked")
        })
      )
      expect(yield* other).toBe("open")
    })
  )

  onLinux("writes nothing while somebody whom its claim does not know has the lock, and goes on afterwards", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const files = () => readdirSync(place.directory).map((name) => [name, readFileSync(join(place.directory, name))])
      const before = files()
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          const foreign = yield* flocked(join(place.directory, "LOCK"))
          const refused = { _tag: "StorageError", operation: "lock", code: "EBUSY" }
          expect(yield* Effect.flip(store.put("k", "w"))).toMatchObject(refused)
          expect(yield* Effect.flip(store.flush)).toMatchObject(refused)
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
          expect(files()).toStrictEqual(before)
          closeSync(foreign)
          yield* store.put("k", "w")
        })
      )
      yield* withStore(place, (store) =>
        Effect.map(store.getString("k"), (value) => expect(value).toStrictEqual(Option.some("w")))
      )
    })
  )

  onLinux("opens nothing that is to be changed while somebody whom its claim does not know has the lock", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const child = yield* spawnChild(["hold", place.directory])
      expect(yield* child.line).toBe("open")
      yield* child.kill
      const foreign = yield* flocked(join(place.directory, "LOCK"))
      expect(yield* Effect.flip(withStore(place, () => Effect.void))).toMatchObject({ _tag: "StoreLocked" })
      closeSync(foreign)
      yield* withStore(place, (store) => store.put("k", "v"))
    })
  )
})

describe("a directory whose owner fails to open it", () => {
  onLinux("is let go where the program that locks cannot be started", () =>
    Effect.gen(function* () {
      const place = yield* closed
      const refused = { _tag: "StorageError", operation: "lock", code: "ENOMEM" }
      expect(yield* withoutLocker(Effect.flip(readOnly(place.directory)))).toMatchObject(refused)
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* withoutLocker(Effect.flip(store.put("k", "w")))).toMatchObject(refused)
          yield* store.put("k", "w")
        })
      )
      yield* readOnly(place.directory)
    })
  )

  onLinux("fails with StoreLocked though it was closed in order, where a change is due", () =>
    Effect.gen(function* () {
      const place = yield* closed
      writeFileSync(join(place.directory, "000999.sst"), "left behind")
      const foreign = yield* flocked(join(place.directory, "LOCK"))
      expect(yield* Effect.flip(withStore(place, () => Effect.void))).toMatchObject({ _tag: "StoreLocked" })
      closeSync(foreign)
      yield* withStore(place, () => Effect.void)
      expect(existsSync(join(place.directory, "000999.sst"))).toBe(false)
    })
  )

  it.scopedLive("stays locked until that has ended, though the scope is closed meanwhile", () =>
    Effect.gen(function* () {
      const { directory } = yield* disk
      const real = yield* FileSystem.FileSystem
      const reached = yield* Effect.makeLatch(false)
      const goOn = yield* Effect.makeLatch(false)
      let isFirst = true
      const slow: FileSystem.FileSystem = {
        ...real,
        exists: (path) => {
          if (!isFirst || !/CURRENT.+/.test(path)) return real.exists(path)
          isFirst = false
          return reached.open.pipe(Effect.zipRight(goOn.await), Effect.zipRight(real.exists(path)))
        }
      }
      const scope = yield* Scope.make()
      const opening = LsmStore.make({ directory }).pipe(Effect.provideService(FileSystem.FileSystem, slow))
      yield* Scope.extend(Effect.forkScoped(opening), scope)
      yield* reached.await
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      for (let i = 0; i < 100; i++) yield* turn
      const other = Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), (store) => store.put("k", "v")))
      expect(yield* Effect.flip(other)).toMatchObject({ _tag: "StoreLocked" })
      yield* goOn.open
      yield* Fiber.join(closing)
      yield* other
      const value = Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), (store) => store.getString("k")))
      expect(yield* value).toStrictEqual(Option.some("v"))
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})

describe("a name", () => {
  const claim = (name: string) =>
    Effect.async<Parameters<Parameters<typeof claimName>[1]>[0]>((resume) =>
      claimName(name, (outcome) => resume(Effect.succeed(outcome)))
    )
  onLinux("has one owner, until it is let go", () =>
    Effect.gen(function* () {
      const name = `effect-lsm/test/${process.pid}`
      const first = yield* claim(name)
      expect(first).toBeTypeOf("function")
      expect([yield* claim(name), yield* claim(name)]).toStrictEqual(["taken", "taken"])
      const other = yield* claim(`${name}/other`)
      expect(other).toBeTypeOf("function")
      for (const release of [first, other]) if (typeof release === "function") release()
      const again = yield* claim(name)
      expect(again).toBeTypeOf("function")
      if (typeof again === "function") again()
    })
  )

  onLinux("that is longer than a name can be is impossible, not somebody else's", () =>
    Effect.map(claim("n".repeat(200)), (outcome) => expect(outcome).toBe("impossible"))
  )
})
