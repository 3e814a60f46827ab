import { lstatSync, readdirSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type LockMeans, lockDirectory } from "../../../src/core/lock/directoryLock.js"
import { listenAt, probe } from "../../../src/core/lock/lockSocket.js"
import type { BunFetch, DenoSockets, Listener } from "../../../src/core/lock/otherRuntimes.js"
import { ownRecord } from "../../../src/core/lock/ownerRecord.js"
import { onLinux } from "../../support/system.js"
import { temporaryDirectory } from "../../support/temporaryDirectory.js"

/** Fails with what the promise is rejected with. */
const waitFor = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: (cause) => cause })

const failure = (code: string) => Object.assign(new Error(code), { code })

describe("a connection that is refused in Bun", () => {
  /** The state of a path that refuses connections, if Bun's `fetch` does this. */
  const stateIf = (fetchInBun: BunFetch) =>
    Effect.flatMap(temporaryDirectory, (directory) => {
      const path = join(directory, "refuses")
      writeFileSync(path, "")
      return Effect.promise(() => probe(path, fetchInBun))
    })

  for (const [code, state] of [
    ["ECONNREFUSED", "refused"],
    ["EAGAIN", "live"],
    ["ECONNRESET", "live"],
    ["ENOENT", "missing"],
    ["EPROTOTYPE", "foreign"],
    ["FailedToOpenSocket", "refused"]
  ] as const) {
    onLinux(`means ${state} if fetch has ${code}`, () =>
      Effect.gen(function* () {
        expect(yield* stateIf(() => Promise.reject(failure(code)))).toBe(state)
      })
    )
  }

  onLinux("means live if fetch connects, whether it gets a response or not", () =>
    Effect.gen(function* () {
      const late = new DOMException("late", "TimeoutError")
      expect(yield* stateIf(() => Promise.resolve(undefined))).toBe("live")
      expect(yield* stateIf(() => Promise.reject(late))).toBe("live")
    })
  )

  onLinux("means nothing if fetch fails otherwise", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const path = join(directory, "refuses")
      writeFileSync(path, "")
      const asking = waitFor(() => probe(path, () => Promise.reject(failure("EMFILE"))))
      expect(yield* Effect.flip(asking)).toMatchObject({ code: "EMFILE" })
    })
  )
})

describe("a listener of Deno", () => {
  /** `Deno.listen` by means of Node. */
  const deno: DenoSockets = {
    listen: ({ path }) => {
      const waiting: Array<(connection: Listener) => void> = []
      const server = createServer((socket) => waiting.shift()?.({ close: () => socket.destroy() })).listen(path)
      return {
        close: () => void server.close(),
        unref: () => void server.unref(),
        async *[Symbol.asyncIterator]() {
          for (;;) yield await new Promise<Listener>((resolve) => void waiting.push(resolve))
        }
      }
    }
  }

  const refusing = (code: string): DenoSockets => ({
    listen: () => {
      throw failure(code)
    }
  })

  const lock = (directory: string, sockets: DenoSockets | undefined) => {
    const means: LockMeans = {
      isLocal: () => true,
      listen: (path) => listenAt(path, sockets),
      probe: (path) => probe(path),
      self: ownRecord
    }
    return Effect.acquireRelease(
      waitFor(() => lockDirectory(directory, "write", 0o600, means)),
      (outcome) => Effect.sync(() => outcome.isOwn && outcome.release())
    )
  }

  for (const [what, sockets, isSocket] of [
    ["", deno, true],
    [", or the record instead of it,", refusing("EINVAL"), false]
  ] as const) {
    onLinux(`${what} excludes Node, and Node excludes Deno`.trim(), () =>
      Effect.gen(function* () {
        for (const [first, second] of [
          [sockets, undefined],
          [undefined, sockets],
          [sockets, sockets]
        ]) {
          const directory = yield* temporaryDirectory
          yield* Effect.scoped(
            Effect.gen(function* () {
              expect(yield* lock(directory, first)).toMatchObject({ isOwn: true })
              const names = readdirSync(directory)
              expect(names).toHaveLength(1)
              expect(lstatSync(join(directory, names[0]!)).isSocket()).toBe(first === undefined || isSocket)
              expect(yield* lock(directory, second)).toEqual({ isOwn: false })
              expect(readdirSync(directory)).toEqual(names)
            })
          )
          expect(readdirSync(directory)).toEqual([])
        }
      })
    )
  }

  onLinux("closes each connection", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const path = join(directory, "socket")
      const listener = yield* Effect.promise(() => listenAt(path, deno))
      for (let i = 0; i < 3; i++) {
        yield* Effect.async<void>((resume) => void connect(path).once("close", () => resume(Effect.void)))
      }
      listener?.close()
    })
  )

  onLinux("fails if the system refuses the file too", () =>
    Effect.gen(function* () {
      const listening = waitFor(() => listenAt("/nowhere", refusing("ENOSPC")))
      expect(yield* Effect.flip(listening)).toMatchObject({ code: "ENOSPC" })
    })
  )
})
