import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type DirectoryLock, type LockMeans, lockDirectory } from "../../../src/core/lock/directoryLock.js"
import { lockByFlock } from "../../../src/core/lock/fileLock.js"
import { isLocalDirectory } from "../../../src/core/lock/fileSystems.js"
import { listenAt, probe } from "../../../src/core/lock/lockSocket.js"
import { encodeRecord, type OwnerRecord, ownRecord } from "../../../src/core/lock/ownerRecord.js"
import type { LockMode } from "../../../src/core/storage/storageDriver.js"
import { spawnChild } from "../../support/childProcess.js"
import { onLinux } from "../../support/system.js"
import { temporaryDirectory } from "../../support/temporaryDirectory.js"

const means = (changes: Partial<LockMeans> = {}): LockMeans => ({
  isLocal: () => true,
  listen: (path) => listenAt(path),
  probe: (path) => probe(path),
  self: ownRecord,
  ...changes
})

const withoutSockets = means({ listen: () => Promise.resolve(undefined) })

/** Asks for the lock. A lock that is held is released with the scope. */
const ask = (
  directory: string,
  how: LockMeans = means(),
  mode: LockMode = "write"
): Effect.Effect<DirectoryLock, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => lockDirectory(directory, mode, 0o600, how), catch: (error) => error }),
    (lock) => Effect.sync(() => lock.isOwn && lock.release())
  )

const own = { isOwn: true, release: expect.any(Function) }
const taken = { isOwn: false }

const locks = (directory: string) => readdirSync(directory).filter((name) => name.startsWith("LOCK"))

/** Blocks callers until `count` of them have arrived. */
const barrier = (count: number): (() => Promise<void>) => {
  let come = 0
  let open = (): void => undefined
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    if (++come === count) open()
    return all
  }
}

/** A directory whose owner was killed. The owner's name remains. */
const killed = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const child = yield* spawnChild(["hold", directory])
  expect(yield* child.line).toBe("open")
  yield* child.kill
  const [name] = locks(directory)
  return { directory, path: join(directory, name!) }
})

const place = (directory: string, record: OwnerRecord | string): string => {
  const path = join(directory, "LOCK-00000000000000aa")
  writeFileSync(path, typeof record === "string" ? record : encodeRecord(record))
  return path
}

const withPath = <A, E, R>(path: string, use: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.env["PATH"]
      process.env["PATH"] = path
      return before
    }),
    () => use,
    (before) =>
      Effect.sync(() => {
        process.env["PATH"] = before
      })
  )

describe("processes that ask at the same time", () => {
  for (const [name, listen] of [
    ["by sockets", (path: string) => listenAt(path)],
    ["by records", () => Promise.resolve(undefined)]
  ] as const) {
    onLinux(`leave one owner, ${name}, in whatever order they took their names`, () =>
      Effect.gen(function* () {
        for (const count of [2, 2, 2, 3, 20]) {
          const directory = yield* temporaryDirectory
          // All have looked and found no owner before the first has a name. Then all have a name
          // before one looks again.
          const named = barrier(count)
          const how = means({ listen: (path) => Effect.runPromise(Effect.promise(named)).then(() => listen(path)) })
          yield* Effect.scoped(
            Effect.gen(function* () {
              const asking = Array.from({ length: count }, () => ask(directory, how))
              const outcomes = yield* Effect.all(asking, { concurrency: "unbounded" })
              expect(outcomes.filter(({ isOwn }) => isOwn)).toHaveLength(1)
              expect(locks(directory)).toHaveLength(1)
              expect(yield* ask(directory)).toEqual(taken)
            })
          )
          expect(locks(directory)).toEqual([])
        }
      })
    )
  }

  onLinux("do not become owner next to one that they missed in their first look", () =>
    Effect.gen(function* () {
      // Names are random, so several tries: sometimes its name is the smaller one.
      for (let i = 0; i < 4; i++) {
        const directory = yield* temporaryDirectory
        yield* Effect.scoped(
          Effect.gen(function* () {
            const looked = yield* Effect.makeLatch(false)
            const goOn = yield* Effect.makeLatch(false)
            const late = means({
              listen: (path) => Effect.runPromise(Effect.zipRight(looked.open, goOn.await)).then(() => listenAt(path))
            })
            const asking = yield* Effect.fork(ask(directory, late))
            yield* looked.await
            expect(yield* ask(directory)).toEqual(own)
            yield* goOn.open
            expect(yield* Fiber.join(asking)).toEqual(taken)
            expect(locks(directory)).toHaveLength(1)
          })
        )
      }
    })
  )

  onLinux("take another name if theirs is removed before it is complete", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const names: Array<string> = []
      const how = means({
        listen: async (path) => {
          const server = await listenAt(path)
          names.push(path)
          // Like an owner that sees the name between its two steps.
          if (names.length < 3) unlinkSync(path)
          return server
        }
      })
      expect(yield* ask(directory, how)).toEqual(own)
      expect(new Set(names).size).toBe(3)
      expect(locks(directory)).toHaveLength(1)
    })
  )
})

describe("the name of a killed owner", () => {
  onLinux("is removed by the next owner, but not by a reader", () =>
    Effect.gen(function* () {
      const { directory, path } = yield* killed
      expect(lstatSync(path).isSocket()).toBe(true)
      yield* Effect.scoped(
        Effect.gen(function* () {
          expect(yield* ask(directory, means(), "read")).toEqual(own)
          expect(locks(directory)).toHaveLength(2)
        })
      )
      expect(existsSync(path)).toBe(true)
      expect(yield* ask(directory)).toEqual(own)
      expect(existsSync(path)).toBe(false)
      expect(locks(directory)).toHaveLength(1)
    })
  )

  onLinux("is left if it may be another machine's, unless LOCK is held too", () =>
    Effect.gen(function* () {
      const { directory, path } = yield* killed
      const shared = means({ isLocal: () => false })
      const unknown = { isOwn: false, reason: expect.stringContaining(path) }
      expect(yield* withPath("/nowhere", ask(directory, shared))).toEqual(unknown)
      expect(existsSync(path)).toBe(true)
      expect(yield* ask(directory, shared)).toEqual(own)
      expect(existsSync(path)).toBe(false)
    })
  )

  onLinux("is left if the owner is there but does not accept connections", () =>
    Effect.gen(function* () {
      const { directory, path } = yield* killed
      const busy = Object.assign(new Error("busy"), { code: "EAGAIN" })
      const inBun = means({ probe: (name) => probe(name, () => Promise.reject(busy)) })
      for (const mode of ["write", "read"] as const) expect(yield* ask(directory, inBun, mode)).toEqual(taken)
      expect(existsSync(path)).toBe(true)
    })
  )

  onLinux("has one successor, however many processes ask", () =>
    Effect.gen(function* () {
      const { directory } = yield* killed
      const asking = Array.from({ length: 10 }, () => ask(directory))
      const outcomes = yield* Effect.all(asking, { concurrency: "unbounded" })
      expect(outcomes.filter(({ isOwn }) => isOwn)).toHaveLength(1)
      expect(locks(directory)).toHaveLength(1)
    })
  )
})

describe("on a file system that other machines may reach", () => {
  const shared = means({ isLocal: () => false })

  onLinux("LOCK is locked too, and only its user may access it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lock = join(directory, "LOCK")
      yield* Effect.scoped(
        Effect.gen(function* () {
          expect(yield* ask(directory, shared)).toEqual(own)
          expect(yield* Effect.promise(() => lockByFlock(lock, "write", 0o600))).toBe("taken")
        })
      )
      expect(lstatSync(lock).mode & 0o777).toBe(0o600)
      const release = yield* Effect.promise(() => lockByFlock(lock, "write", 0o600))
      expect(release).toBeTypeOf("function")
      expect(yield* ask(directory, shared)).toEqual(taken)
      expect(yield* ask(directory, shared, "read")).toEqual(taken)
      expect(locks(directory)).toEqual(["LOCK"])
      if (typeof release === "function") release()
      expect(yield* ask(directory, shared, "read")).toEqual(own)
    })
  )

  onLinux("a LOCK that is a symbolic link is refused, and its target is left alone", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const target = join(home, "precious")
      for (const content of ["mine", undefined]) {
        const directory = yield* temporaryDirectory
        if (content !== undefined) writeFileSync(target, content)
        symlinkSync(content === undefined ? join(home, "dangling") : target, join(directory, "LOCK"))
        for (const path of ["/nowhere", process.env["PATH"]!]) {
          const error = yield* withPath(path, Effect.flip(ask(directory, shared)))
          expect(error).toMatchObject({ operation: "lock", code: "ELOOP" })
        }
        expect(readdirSync(home)).toEqual(["precious"])
        expect(readFileSync(target, "utf8")).toBe("mine")
      }
    })
  )

  onLinux("a record is used if the program flock is missing", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* withPath(
        "/nowhere",
        Effect.gen(function* () {
          expect(yield* ask(directory, shared)).toEqual(own)
          const name = locks(directory).find((one) => one !== "LOCK")!
          expect(lstatSync(join(directory, name)).isFile()).toBe(true)
          expect(yield* ask(directory, shared)).toEqual(taken)
        })
      )
      // The same with the program.
      expect(yield* ask(directory, shared)).toEqual(taken)
    })
  )
})

describe("the record of an owner", () => {
  const self = ownRecord(false)
  const elsewhere = { ...self, boot: "another", host: "elsewhere" }

  onLinux("is live while its process is running", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.scoped(
        Effect.gen(function* () {
          expect(yield* ask(directory, withoutSockets)).toEqual(own)
          const [name] = locks(directory)
          expect(lstatSync(join(directory, name!)).mode & 0o777).toBe(0o600)
          expect([yield* ask(directory, withoutSockets), yield* ask(directory)]).toEqual([taken, taken])
        })
      )
      expect(locks(directory)).toEqual([])
      yield* ask(directory)
      expect(yield* ask(directory, withoutSockets)).toEqual(taken)
    })
  )

  for (const [what, record, changes] of [
    ["of a process that has gone", { ...self, pid: 4_194_305 }, {}],
    ["of a process whose id another process has now", { ...self, startTime: "1" }, {}],
    ["of another boot of this machine", { ...self, boot: "another" }, {}],
    ["of another machine whose flock was released", { ...elsewhere, flock: true }, { isLocal: () => false }]
  ] as const) {
    onLinux(`${what} is stale`, () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const path = place(directory, record)
        expect(yield* ask(directory, means(changes))).toEqual(own)
        expect(existsSync(path)).toBe(false)
      })
    )
  }

  for (const [what, record, changes] of [
    ["of another container", { ...self, pidNamespace: "pid:[1]" }, {}],
    ["of another machine", elsewhere, { isLocal: () => false }]
  ] as const) {
    onLinux(`${what} is left alone, and the error names it`, () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const path = place(directory, record)
        const refused = { isOwn: false, reason: expect.stringContaining(`remove ${path}`) }
        for (const mode of ["write", "read"] as const) {
          expect(yield* ask(directory, means(changes), mode)).toEqual(refused)
          expect(yield* ask(directory, means({ ...withoutSockets, ...changes }), mode)).toEqual(refused)
        }
        expect(readFileSync(path, "utf8")).toBe(encodeRecord(record))
        expect(locks(directory).filter((name) => name !== "LOCK")).toHaveLength(1)
      })
    )
  }
})

describe("a foreign file", () => {
  for (const how of ["by sockets", "by records"]) {
    onLinux(`is left alone, whatever its name, ${how}`, () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const target = join(directory, "target")
        const contents = {
          LOCK: "1",
          "LOCK-000001": "mine",
          "LOCK-00000000000000aa": "mine",
          "LOCK-00000000000000ab": "",
          "LOCK-00000000000000ab.tmp": "mine",
          target: "precious"
        }
        for (const [name, content] of Object.entries(contents)) writeFileSync(join(directory, name), content)
        symlinkSync(target, join(directory, "LOCK-00000000000000ac"))
        mkdirSync(join(directory, "LOCK-00000000000000ad"))
        const before = readdirSync(directory)
        const change = how === "by sockets" ? means() : withoutSockets
        for (let i = 0; i < 2; i++) {
          yield* Effect.scoped(Effect.map(ask(directory, change), (lock) => expect(lock).toEqual(own)))
        }
        expect(readdirSync(directory)).toEqual(before)
        for (const [name, content] of Object.entries(contents)) {
          expect(readFileSync(join(directory, name), "utf8")).toBe(content)
        }
      })
    )
  }
})

describe("a directory", () => {
  onLinux("that is not writable is only looked at by a reader", () =>
    Effect.gen(function* () {
      for (const code of ["EACCES", "EROFS"]) {
        const directory = yield* temporaryDirectory
        const refused = means({ listen: () => Promise.reject(Object.assign(new Error(code), { code })) })
        expect(yield* ask(directory, refused, "read")).toEqual(own)
        expect(yield* Effect.flip(ask(directory, refused))).toMatchObject({ operation: "lock", code })
        expect(yield* ask(directory)).toEqual(own)
        expect(yield* ask(directory, refused, "read")).toEqual(taken)
      }
    })
  )

  it("is local, or may be shared with other machines", () => {
    if (process.platform !== "linux") return
    expect(isLocalDirectory("/proc")).toBe(false)
    expect(isLocalDirectory("/dev/shm")).toBe(true)
  })
})
