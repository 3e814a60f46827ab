import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type Store, Transaction } from "effect-lsm"
import { seeded } from "../../src/core/simulation/random.js"
import { configurations } from "../model/configurations.js"
import { Machine } from "../model/machine.js"
import { pairs, text } from "../support/bytes.js"
import { openStore } from "../support/openStore.js"
import { faultOfHistory, type Recorded } from "../support/serializability.js"
import { simulated } from "../support/simulated.js"

const keys = ["a", "b", "c", "d", "e"]
const fibers = 7
const transactionsEach = 15

const listOf = (value: string): ReadonlyArray<number> => (value === "" ? [] : value.split(",").map(Number))
const textOf = (value: Option.Option<Uint8Array>): string => (Option.isSome(value) ? text(value.value) : "")

interface Options {
  /** Leaves out what transactions have read, so that they never conflict. */
  readonly forgetsReads?: boolean
}

/** Records what many fibers read and write in transactions. */
const record = (seed: number, { forgetsReads = false }: Options = {}) =>
  simulated(seed, () =>
    Effect.gen(function* () {
      const random = seeded(seed)
      const below = (n: number) => Math.floor(random() * n)
      const machine = new Machine(random, "/store")
      const { tuning } = configurations[seed % configurations.length]!
      const store = yield* openStore(machine.storage, { ...tuning, directory: "/store", name: "history" })
      const history: Array<Recorded> = []
      let time = 1
      let ids = 1
      let left = fibers
      const pause = Effect.suspend(() => Effect.repeatN(Effect.yieldNow(), below(5)))

      /** Reads some keys, and returns their values. */
      const read = (tx: Transaction.Transaction, wanted: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const [first, last] = [wanted[0]!, wanted.at(-1)!]
          const found = new Map<string, string>()
          const fromEntries = (entries: ReadonlyArray<Store.Entry>) => {
            for (const key of keys) if (key >= first && key <= last) found.set(key, "")
            for (const { key, value } of entries) found.set(text(key), text(value))
          }
          const range = { start: first, end: `${last}\u0001` }
          switch (below(5)) {
            case 0:
              for (const key of wanted) {
                found.set(key, textOf(yield* tx.get(key)))
                yield* pause
              }
              break
            case 1:
              for (const [i, value] of (yield* tx.getMany(wanted)).entries()) found.set(wanted[i]!, textOf(value))
              break
            case 2:
              fromEntries(yield* tx.collect({ ...range, reverse: below(2) === 0 }))
              break
            case 3: {
              const reverse = below(2) === 0
              fromEntries([
                ...(yield* Stream.runCollect(Stream.tap(tx.scan({ ...range, chunkSize: 1, reverse }), () => pause)))
              ])
              break
            }
            default: {
              const limit = 1 + below(2)
              const entries = yield* tx.collect({ ...range, limit })
              const end = entries.length < limit ? last : text(entries.at(-1)!.key)
              for (const key of keys) if (key >= first && key <= end) found.set(key, "")
              for (const { key, value } of entries) found.set(text(key), text(value))
            }
          }
          return found
        })

      const transaction = Effect.suspend(() => {
        const id = ids++
        const begun = time++
        const reads = new Map<string, ReadonlyArray<number>>()
        const appends = new Set<string>()
        const durability = (["sync", "buffered"] as const)[below(2)]
        const program = (tx: Transaction.Transaction) =>
          Effect.gen(function* () {
            for (let step = 0; step < 1 + below(3); step++) {
              yield* pause
              const from = below(keys.length)
              const found = yield* read(tx, keys.slice(from, from + 1 + below(3)))
              for (const [key, value] of found) {
                // A key that it has written itself shows nothing of others.
                if (!appends.has(key)) reads.set(key, listOf(value))
                if (below(3) > 0) continue
                const list = appends.has(key) ? value : value === "" ? String(id) : `${value},${id}`
                appends.add(key)
                yield* tx.put(key, list)
              }
            }
            if (forgetsReads) forget(tx)
          })
        const run = Transaction.transact(store, program, { durability, retry: Schedule.recurs(0) })
        const recorded = Effect.uninterruptible(
          Effect.map(Effect.exit(Effect.interruptible(run)), (exit) => {
            const isUnknown = Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
            const outcome = Exit.isSuccess(exit) ? "written" : isUnknown ? "unknown" : "refused"
            history.push({ id, begun, ended: isUnknown ? undefined : time++, outcome, reads, appends })
          })
        )
        if (below(10) > 0) return recorded
        return Effect.flatMap(Effect.fork(recorded), (fiber) => Effect.zipRight(pause, Fiber.interrupt(fiber)))
      })
      /** An append without a transaction. */
      const update = Effect.suspend(() => {
        const id = ids++
        const begun = time++
        const key = keys[below(keys.length)]!
        const reads = new Map<string, ReadonlyArray<number>>()
        return Effect.map(
          store.update(
            key,
            (value) => {
              reads.set(key, listOf(textOf(value)))
              return Option.isSome(value) ? `${text(value.value)},${id}` : String(id)
            },
            { durability: (["sync", "buffered"] as const)[below(2)] }
          ),
          () => history.push({ id, begun, ended: time++, outcome: "written", reads, appends: new Set([key]) })
        )
      })
      const worker = Effect.suspend(() => Effect.zipRight(pause, below(4) === 0 ? update : transaction)).pipe(
        Effect.repeatN(transactionsEach - 1),
        Effect.ensuring(Effect.sync(() => left--))
      )
      const upkeep = Effect.suspend(() => {
        const work = [store.flush, store.compact(), store.sync][below(3)]!
        return Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 5 + below(30)), work)
      }).pipe(Effect.repeat({ while: () => left > 0 }))
      yield* Effect.all([...Array.from({ length: fibers }, () => worker), upkeep], {
        concurrency: "unbounded",
        discard: true
      })
      const final = new Map((yield* pairs(store.scan())).map(([key, value]) => [key, listOf(value)]))
      return { history, final }
    }).pipe(Effect.scoped)
  )

/** Makes a transaction forget what it has read. */
const forget = (tx: Transaction.Transaction): void => {
  const { reads, ranges } = tx as unknown as { readonly reads: Set<string>; readonly ranges: Array<unknown> }
  reads.clear()
  ranges.length = 0
}

describe("transactions are strictly serializable", () => {
  const seeds = 3 * configurations.length
  for (const [i, { name }] of configurations.entries()) {
    it.live(`with ${name}, seeds ${i} to ${seeds - 1} by ${configurations.length}`, () =>
      Effect.gen(function* () {
        let written = 0
        let refused = 0
        for (let seed = i; seed < seeds; seed += configurations.length) {
          const { history, final } = yield* record(seed)
          expect(faultOfHistory(history, final), `seed ${seed}`).toBeUndefined()
          written += history.filter(({ outcome }) => outcome === "written").length
          refused += history.filter(({ outcome }) => outcome === "refused").length
        }
        expect(written).toBeGreaterThan(100)
        expect(refused).toBeGreaterThan(10)
      })
    )
  }

  it.live("and the check shows when they are not", () =>
    Effect.gen(function* () {
      let faults = 0
      for (let seed = 0; seed < 10; seed++) {
        const { history, final } = yield* record(seed, { forgetsReads: true })
        if (faultOfHistory(history, final) !== undefined) faults++
      }
      expect(faults).toBeGreaterThan(7)
    })
  )

  it("and the check knows the anomalies", () => {
    const recorded = (
      id: number,
      reads: Record<string, ReadonlyArray<number>>,
      appends: ReadonlyArray<string>,
      begun = 0,
      ended = 10
    ): Recorded => ({
      id,
      begun,
      ended,
      outcome: "written",
      reads: new Map(Object.entries(reads)),
      appends: new Set(appends)
    })
    const final = (lists: Record<string, ReadonlyArray<number>>) => new Map(Object.entries(lists))
    const skew = [recorded(1, { x: [], y: [] }, ["x"]), recorded(2, { x: [], y: [] }, ["y"])]
    expect(faultOfHistory(skew, final({ x: [1], y: [2] }))).toContain("before")
    const lost = [recorded(1, { x: [] }, ["x"]), recorded(2, { x: [] }, ["x"])]
    expect(faultOfHistory(lost, final({ x: [2] }))).toContain("lost its write")
    expect(faultOfHistory(lost, final({ x: [1, 2] }))).toContain("before")
    const stale = [recorded(1, { x: [] }, ["x"], 0, 1), recorded(2, { x: [] }, [], 2, 3)]
    expect(faultOfHistory(stale, final({ x: [1] }))).toContain("ended before")
    const sound = [recorded(1, { x: [] }, ["x"], 0, 1), recorded(2, { x: [1] }, ["x"], 2, 3)]
    expect(faultOfHistory(sound, final({ x: [1, 2] }))).toBeUndefined()
  })
})
