import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type LsmError, type Store, Transaction, WriteBatch } from "effect-lsm"
import { seeded } from "../../src/core/simulation/random.js"
import { configurations } from "../model/configurations.js"
import { Machine } from "../model/machine.js"
import { pairs, text } from "../support/bytes.js"
import { openStore } from "../support/openStore.js"
import { simulated } from "../support/simulated.js"

const accounts = Array.from({ length: 12 }, (_, i) => `account ${String(i).padStart(2, "0")}`)
const opening = 100
const sessions = 4
const tellers = 5
const transfersEach = 10

const sum = (balances: ReadonlyArray<string>): number => balances.reduce((total, balance) => total + Number(balance), 0)

/** Every way to read all accounts as of one moment. */
const audits = (store: Store.Store) => [
  Effect.map(pairs(store.scan({ chunkSize: 2 }).pipe(Stream.tap(() => Effect.yieldNow()))), (entries) =>
    entries.map(([, balance]) => balance)
  ),
  Effect.map(pairs(store.scan({ chunkSize: 5, reverse: true }).pipe(Stream.tap(() => Effect.yieldNow()))), (entries) =>
    entries.map(([, balance]) => balance)
  ),
  Effect.scoped(
    Effect.gen(function* () {
      const snapshot = yield* store.snapshot
      const balances: Array<string> = []
      for (const account of accounts) {
        balances.push(Option.getOrThrow(yield* store.getString(account, { snapshot })))
        yield* Effect.yieldNow()
      }
      return balances
    })
  ),
  Effect.scoped(
    Effect.gen(function* () {
      const snapshot = yield* store.snapshot
      yield* Effect.repeatN(Effect.yieldNow(), 20)
      return (yield* pairs(store.scan({ snapshot }))).map(([, balance]) => balance)
    })
  ),
  Effect.scoped(
    Effect.gen(function* () {
      const cursor = yield* store.cursor()
      const balances: Array<string> = []
      while (yield* cursor.prev) {
        balances.push(text(Option.getOrThrow(yield* cursor.current).value))
        yield* Effect.yieldNow()
      }
      return balances
    })
  ),
  Effect.map(store.getMany(accounts), (found) => found.map((bytes) => text(Option.getOrThrow(bytes))))
]

type Transfer = (
  store: Store.Store,
  from: string,
  to: string,
  amount: number,
  options: Store.WriteOptions
) => Effect.Effect<void, LsmError.WriteError | Transaction.TransactionError>

/** A transfer as a transaction. */
const transact: Transfer = (store, from, to, amount, options) =>
  Transaction.transact(
    store,
    (tx) =>
      Effect.gen(function* () {
        const balance = Number(Option.getOrThrow(yield* tx.getString(from)))
        yield* Effect.yieldNow()
        yield* tx.put(to, String(Number(Option.getOrThrow(yield* tx.getString(to))) + amount))
        yield* tx.put(from, String(balance - amount))
      }),
    { ...options, retry: Schedule.forever }
  )

/** A transfer by a batch with checks, tried until they hold. */
const check: Transfer = (store, from, to, amount, options) =>
  Effect.gen(function* () {
    const one = Option.getOrThrow(yield* store.getEntry(from))
    yield* Effect.yieldNow()
    const other = Option.getOrThrow(yield* store.getEntry(to))
    const batch = WriteBatch.make().check(from, one.version).check(to, other.version)
    batch.put(from, String(Number(text(one.value)) - amount)).put(to, String(Number(text(other.value)) + amount))
    yield* store.write(batch, options)
  }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict" }))

/**
 * Runs several sessions. In each, tellers move money between accounts in batches, auditors sum all
 * accounts, and the store is flushed and compacted. The machine stops at a random disk operation,
 * and the next session starts on its remaining disk.
 */
const bank = (seed: number) =>
  simulated(seed, () =>
    Effect.gen(function* () {
      const random = seeded(seed)
      const below = (n: number) => Math.floor(random() * n)
      const { tuning } = configurations[seed % configurations.length]!
      const options = { ...tuning, directory: "/store", name: "bank" }
      const way = (["locks", "transactions", "checks"] as const)[seed % 3]!
      let machine = new Machine(random, "/store")
      let audited = 0

      const whole = (balances: ReadonlyArray<string>) =>
        Effect.sync(() => {
          audited++
          expect(balances, `seed ${seed}`).toHaveLength(accounts.length)
          expect(sum(balances), `seed ${seed}`).toBe(accounts.length * opening)
        })

      const work = (store: Store.Store) =>
        Effect.gen(function* () {
          const locks = yield* Effect.forEach(accounts, () => Effect.makeSemaphore(1))
          let busy = tellers
          const transfer = Effect.suspend(() => {
            const [low, high] = [below(accounts.length - 1), accounts.length - 1]
            const other = low + 1 + below(high - low)
            const amount = below(40) - 20
            const durability = (["sync", "buffered"] as const)[below(2)]
            const options = { durability }
            if (way === "transactions") return transact(store, accounts[low]!, accounts[other]!, amount, options)
            if (way === "checks") return check(store, accounts[low]!, accounts[other]!, amount, options)
            return Effect.gen(function* () {
              const from = Number(Option.getOrThrow(yield* store.getString(accounts[low]!)))
              const to = Number(Option.getOrThrow(yield* store.getString(accounts[other]!)))
              const batch = WriteBatch.make()
                .put(accounts[low]!, String(from - amount))
                .put(accounts[other]!, String(to + amount))
              yield* store.write(batch, options)
            }).pipe(locks[other]!.withPermits(1), locks[low]!.withPermits(1))
          })
          const teller = Effect.ensuring(
            Effect.repeatN(transfer, transfersEach - 1),
            Effect.sync(() => busy--)
          )
          const auditor = Effect.suspend(() => {
            const ways = audits(store)
            return Effect.flatMap(ways[below(ways.length)]!, whole)
          }).pipe(Effect.repeat({ while: () => busy > 0 && !machine.hasStopped }))
          const upkeep = Effect.suspend(() => {
            const task = [store.flush, store.compact(), store.sync][below(3)]!
            return Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 10 + below(40)), task)
          }).pipe(Effect.repeat({ while: () => busy > 0 && !machine.hasStopped }))
          const all = Effect.all([...Array.from({ length: tellers }, () => teller), auditor, auditor, upkeep], {
            concurrency: "unbounded",
            discard: true
          })
          yield* Fiber.join(yield* Effect.fork(all))
        })

      for (let session = 0; session < sessions; session++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openStore(machine.storage, options)
            if (session === 0) {
              const batch = WriteBatch.make()
              for (const account of accounts) batch.put(account, String(opening))
              yield* store.write(batch, { durability: "sync" })
            }
            for (const audit of audits(store)) yield* Effect.flatMap(audit, whole)
            const stop = { after: below(150), power: below(2) === 0, choice: below(1_000_000) }
            machine.arm(stop, () => undefined)
            // After the machine has stopped, operations may fail.
            yield* Effect.catchAll(work(store), (error) => (machine.hasStopped ? Effect.void : Effect.fail(error)))
            machine.halt()
          })
        )
        machine = machine.next
      }
      expect(audited, `seed ${seed}`).toBeGreaterThan(sessions * 7)
    })
  )

describe("transfers keep the sum of all accounts, in scans and snapshots and after each crash", () => {
  const seeds = 2 * configurations.length
  for (const [i, { name }] of configurations.entries()) {
    it.live(`with ${name}, seeds ${i} to ${seeds - 1} by ${configurations.length}`, () =>
      Effect.gen(function* () {
        for (let seed = i; seed < seeds; seed += configurations.length) yield* bank(seed)
      })
    )
  }
})
