import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { WriteBatch } from "effect-lsm"
import { seeded } from "../../src/core/simulation/random.js"
import { configurations } from "../model/configurations.js"
import { Machine } from "../model/machine.js"
import { text } from "../support/bytes.js"
import { isLinearizable, type Operation } from "../support/linearizability.js"
import { openStore } from "../support/openStore.js"
import { simulated } from "../support/simulated.js"

const write = (value: string | undefined, begun: number, ended: number): Operation => ({
  kind: "write",
  value,
  begun,
  ended
})
const read = (value: string | undefined, begun: number, ended: number): Operation => ({
  kind: "read",
  value,
  begun,
  ended
})

describe("the linearizability check", () => {
  const never = Number.POSITIVE_INFINITY
  const cases: ReadonlyArray<readonly [name: string, sound: boolean, operations: ReadonlyArray<Operation>]> = [
    ["a read after a write sees it", true, [write("a", 0, 1), read("a", 2, 3)]],
    ["a read after a write misses it", false, [write("a", 0, 1), read(undefined, 2, 3)]],
    ["a concurrent read sees a write", true, [write("a", 0, 3), read("a", 1, 2)]],
    ["a concurrent read misses a write", true, [write("a", 0, 3), read(undefined, 1, 2)]],
    ["a value that was read vanishes", false, [write("a", 0, 9), read("a", 1, 2), read(undefined, 3, 4)]],
    ["a value that was never written", false, [write("a", 0, 1), read("b", 2, 3)]],
    ["an older value comes back", false, [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)]],
    ["concurrent writes in either order", true, [write("a", 0, 5), write("b", 0, 5), read("a", 6, 7)]],
    ["concurrent writes in both orders", false, [write("a", 0, 5), write("b", 0, 5), read("a", 6, 7), read("b", 8, 9)]],
    ["a delete removes a value", true, [write("a", 0, 1), write(undefined, 2, 3), read(undefined, 4, 5)]],
    ["an interrupted write seen later", true, [write("a", 0, never), read(undefined, 1, 2), read("a", 3, 4)]],
    ["an interrupted write seen and gone again", false, [write("a", 0, never), read("a", 1, 2), read(undefined, 3, 4)]],
    ["an interrupted write never seen", true, [write("a", 0, never), read(undefined, 1, 2), read(undefined, 3, 4)]]
  ]
  it.each(cases)("%s: %s", (_, sound, operations) => {
    expect(isLinearizable(operations, undefined)).toBe(sound)
  })
})

const keys = ["a", "b", "c"]
const fibers = 8
const operationsEach = 25

/** Records what many fibers write and read, by key. */
const record = (seed: number) =>
  simulated(seed, () =>
    Effect.gen(function* () {
      const random = seeded(seed)
      const below = (n: number) => Math.floor(random() * n)
      const machine = new Machine(random, "/store")
      const { tuning } = configurations[seed % configurations.length]!
      const store = yield* openStore(machine.storage, { ...tuning, directory: "/store", name: "history" })
      const history = new Map(keys.map((key): readonly [string, Array<Operation>] => [key, []]))
      let time = 0
      let values = 0
      let left = fibers

      const pause = Effect.suspend(() => Effect.repeatN(Effect.yieldNow(), below(4)))
      const writing = <E>(written: ReadonlyArray<readonly [string, string | undefined]>, run: Effect.Effect<void, E>) =>
        Effect.suspend(() => {
          const begun = time++
          const addWrites = (ended: number) => {
            for (const [key, value] of written) history.get(key)!.push({ kind: "write", value, begun, ended })
          }
          return run.pipe(
            Effect.tap(() => Effect.sync(() => addWrites(time++))),
            Effect.onInterrupt(() => Effect.sync(() => addWrites(Number.POSITIVE_INFINITY)))
          )
        })
      const reading = <E>(run: Effect.Effect<ReadonlyMap<string, string | undefined>, E>) =>
        Effect.suspend(() => {
          const begun = time++
          return Effect.map(run, (seen) => {
            const ended = time++
            for (const [key, value] of seen) history.get(key)!.push({ kind: "read", value, begun, ended })
          })
        })

      const operation = Effect.suspend(() => {
        const key = keys[below(keys.length)]!
        const value = `${values++}${"x".repeat(below(40))}`
        const durability = (["sync", "buffered"] as const)[below(2)]
        const put = writing([[key, value]], store.put(key, value, { durability }))
        switch (below(12)) {
          case 0:
          case 1:
          case 2:
            return put
          case 3:
            return writing([[key, undefined]], store.delete(key, { durability }))
          case 4:
            return writing(
              [
                ["a", value],
                ["c", value]
              ],
              store.write(WriteBatch.make().put("a", value).put("c", value), { durability })
            )
          case 5:
            return Effect.flatMap(Effect.fork(put), (fiber) => Effect.zipRight(pause, Fiber.interrupt(fiber)))
          case 6:
            return reading(
              Effect.map(store.getMany(keys), (found) => {
                const texts = found.map((bytes) => (Option.isSome(bytes) ? text(bytes.value) : undefined))
                return new Map(keys.map((name, i) => [name, texts[i]]))
              })
            )
          case 7:
            return reading(
              Stream.runFold(
                store.scan({ chunkSize: 1, reverse: below(2) === 0 }),
                new Map<string, string | undefined>(keys.map((name) => [name, undefined])),
                (seen, entry) => seen.set(text(entry.key), text(entry.value))
              )
            )
          default:
            return reading(Effect.map(store.getString(key), (found) => new Map([[key, Option.getOrUndefined(found)]])))
        }
      })
      const worker = Effect.zipRight(pause, operation).pipe(
        Effect.repeatN(operationsEach - 1),
        Effect.ensuring(Effect.sync(() => left--))
      )
      const upkeep = Effect.suspend(() => {
        const work = [store.flush, store.compact(), store.compact({ start: "a", end: "b" }), store.sync][below(4)]!
        return Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 5 + below(30)), work)
      }).pipe(Effect.repeat({ while: () => left > 0 }))
      yield* Effect.all([...Array.from({ length: fibers }, () => worker), upkeep], {
        concurrency: "unbounded",
        discard: true
      })
      return history
    }).pipe(Effect.scoped)
  )

describe("the history of each key is linearizable", () => {
  const seeds = 3 * configurations.length
  for (const [i, { name }] of configurations.entries()) {
    it.live(`with ${name}, seeds ${i} to ${seeds - 1} by ${configurations.length}`, () =>
      Effect.gen(function* () {
        for (let seed = i; seed < seeds; seed += configurations.length) {
          for (const [key, operations] of yield* record(seed)) {
            expect(operations.length).toBeGreaterThan(40)
            expect(isLinearizable(operations, undefined), `key ${key}, seed ${seed}`).toBe(true)
          }
        }
      })
    )
  }
})
