import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { bundle, start } from "../kill/child.js"
import { runCycles } from "../kill/cycles.js"
import { copyStore, filesOf, leaveStale, ownersIn, race } from "../kill/races.js"
import { contentOf, withStore } from "../kill/store.js"
import { eventually } from "../support/eventually.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** The short form of `npm run test:kill`. */
const cycles = 10
const racers = 5
const seed = 7

const tagOf = (directory: string) =>
  Effect.match(
    withStore(directory, () => Effect.void),
    { onFailure: ({ _tag }) => _tag, onSuccess: () => "opened" }
  )

describe("processes", () => {
  it.scopedLive(`killed while they write leave every acknowledged batch, and no partial one (seed ${seed})`, () =>
    Effect.gen(function* () {
      const { acknowledged, faults, ...counts } = yield* runCycles(yield* bundle, cycles, seed)
      expect(faults).toStrictEqual([])
      expect(counts.cycles).toBe(cycles)
      expect(acknowledged).toBeGreaterThan(cycles * 20)
    })
  )

  it.scopedLive("that open a directory at once have one winner, and the others change nothing", () =>
    Effect.gen(function* () {
      const program = yield* bundle
      const directory = yield* temporaryDirectory
      const lockedOut = Array.from({ length: racers - 1 }, () => "StoreLocked")
      expect(yield* race(program, directory, racers)).toStrictEqual([...lockedOut, "open, put by the winner"])
      yield* withStore(directory, (store) =>
        Effect.gen(function* () {
          expect(yield* store.count()).toBe(1)
          yield* store.flush
          // Wait until the owner is idle: it prepares the next log segment in the background.
          let last = filesOf(directory)
          let same = 0
          yield* eventually(
            Effect.sync(() => {
              const now = filesOf(directory)
              same =
                [...now].every(([name, bytes]) => last.get(name) === bytes) && now.size === last.size ? same + 1 : 0
              last = now
              return same
            }),
            (turns) => turns > 100
          )
          expect(yield* Effect.scoped(race(program, directory, racers))).toStrictEqual([...lockedOut, "StoreLocked"])
          expect(filesOf(directory)).toStrictEqual(last)
          yield* store.put("after", "the race")
        })
      )
    })
  )

  it.scopedLive("that race for the directory of a killed owner have one winner, every time", () =>
    Effect.gen(function* () {
      const program = yield* bundle
      const directory = yield* temporaryDirectory
      const lockedOut = Array.from({ length: racers - 1 }, () => "StoreLocked")
      for (let i = 0; i < 3; i++) {
        const [stale] = yield* leaveStale(program, directory)
        if (process.platform === "linux") expect(stale).toBeDefined()
        const outcomes = yield* Effect.scoped(race(program, directory, racers))
        expect(outcomes, `race ${i}`).toStrictEqual([...lockedOut, "open, put by the winner"])
        expect(ownersIn(directory)).toStrictEqual([])
      }
    })
  )

  it.scopedLive("that are stopped still own the store, until they are killed", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const owner = yield* start(yield* bundle, "own", directory)
      yield* owner.line
      yield* owner.order("open")
      expect(yield* owner.line).toBe("open")
      yield* owner.signal("SIGSTOP")
      yield* owner.awaitStopped(true)
      expect(yield* tagOf(directory)).toBe("StoreLocked")
      yield* owner.signal("SIGCONT")
      yield* owner.awaitStopped(false)
      yield* owner.order("key")
      expect(yield* owner.line).toBe("put key")
      expect(yield* tagOf(directory)).toBe("StoreLocked")
      yield* owner.signal("SIGSTOP")
      yield* owner.awaitStopped(true)
      yield* owner.kill
      const found = yield* withStore(directory, (store) => store.getString("key"))
      expect(found).toStrictEqual(Option.some("put by order"))
    })
  )

  it.scopedLive("that closed or were killed leave a directory whose copy is an independent store", () =>
    Effect.gen(function* () {
      const program = yield* bundle
      for (const end of ["closed", "killed"] as const) {
        const home = yield* temporaryDirectory
        const directory = join(home, "original")
        const copy = join(home, "copy")
        const owner = yield* start(program, "own", directory)
        yield* owner.line
        yield* owner.order("open")
        yield* owner.line
        for (const key of ["a", "b", "c"]) {
          yield* owner.order(key)
          expect(yield* owner.line).toBe(`put ${key}`)
        }
        if (end === "closed") {
          yield* owner.order("close")
          expect(yield* owner.line).toBe("")
        }
        yield* owner.kill
        copyStore(directory, copy)
        const keysOf = (where: string) => Effect.map(withStore(where, contentOf), (found) => [...found.keys()])
        yield* withStore(directory, (original) =>
          withStore(copy, (copied) =>
            Effect.gen(function* () {
              expect([...(yield* contentOf(copied)).keys()], end).toStrictEqual(["a", "b", "c"])
              yield* original.delete("b")
              yield* copied.put("d", "only in the copy")
              yield* original.flush
              yield* copied.compact()
            })
          )
        )
        expect(yield* keysOf(directory), end).toStrictEqual(["a", "c"])
        expect(yield* keysOf(copy), end).toStrictEqual(["a", "b", "c", "d"])
      }
    })
  )
})
