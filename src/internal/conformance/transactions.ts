import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Transaction } from "../../OrderedStore.js"
import * as WriteBatch from "../../WriteBatch.js"
import { type ConformanceCase, failsWith, rowsOf, same, textOf } from "./case.js"

const numberIn = Option.match({ onNone: () => 0, onSome: (bytes: Uint8Array) => Number(textOf(bytes)) })
type Step = Effect.Effect<unknown, unknown>

const once = { retry: Schedule.recurs(0) }

/** Transactions. */
export const transactionCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "sees its own writes, and shows them to nobody before it ends",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        for (const key of ["a", "b", "c"]) yield* store.put(at(key), "1")
        const result = yield* store.transact((tx) =>
          Effect.gen(function* () {
            yield* tx.put(at("b"), "2")
            yield* tx.delete(at("a"))
            yield* tx.write(WriteBatch.make().put(at("d"), "2"))
            yield* tx.deleteRange({ start: at("c"), end: at("d") })
            const expected = ["b=2", "d=2"]
            yield* same(rowsOf(yield* tx.collect(own), given), expected, "collect within")
            yield* same(rowsOf(yield* Stream.runCollect(tx.scan(own)), given), expected, "scan within")
            yield* same(yield* tx.count(own), 2, "count within")
            yield* same(Option.map(yield* tx.get(at("b")), textOf), Option.some("2"), "get within")
            yield* same((yield* tx.getMany([at("a"), at("d")])).map(Option.isSome), [false, true], "getMany within")
            yield* same([yield* tx.has(at("c")), yield* tx.has(at("d"))], [false, true], "has within")
            yield* same(rowsOf(yield* store.collect(own), given), ["a=1", "b=1", "c=1"], "the store meanwhile")
            return "done"
          })
        )
        yield* same(result, "done", "the result")
        yield* same(rowsOf(yield* store.collect(own), given), ["b=2", "d=2"], "the store after it")
      })
  },
  {
    name: "writes nothing if its program fails or dies",
    run: ({ at, own, store }) =>
      Effect.gen(function* () {
        const failed = store.transact((tx) => Effect.zipRight(tx.put(at("a"), "1"), Effect.fail({ _tag: "GivenUp" })))
        yield* failsWith("GivenUp", failed)
        yield* Effect.exit(store.transact((tx) => Effect.zipRight(tx.put(at("a"), "1"), Effect.die("no"))))
        yield* Effect.exit(store.transact((tx) => Effect.zipRight(tx.put(at("a"), "1"), Effect.interrupt)))
        yield* same(yield* store.count(own), 0, "the entries")
      })
  },
  {
    name: "conflicts if what it has read was written: a key, an absent key, a range",
    run: ({ at, own, store }) =>
      Effect.gen(function* () {
        yield* store.put(at("a"), "1")
        const reads: ReadonlyArray<readonly [(tx: Transaction) => Step, Step]> = [
          [(tx) => tx.get(at("a")), store.put(at("a"), "2")],
          [(tx) => tx.get(at("x")), store.put(at("x"), "1")],
          [(tx) => tx.collect({ start: at("m"), end: at("n") }), store.put(at("m5"), "1")],
          [(tx) => tx.count(own), store.delete(at("m5"))],
          [(tx) => tx.has(at("a")), store.deleteRange(own)]
        ]
        for (const [read, write] of reads) {
          const transaction = store.transact(
            (tx) => Effect.zipRight(read(tx), Effect.zipRight(write, tx.put(at("own"), "1"))),
            once
          )
          yield* failsWith("TransactionConflict", transaction)
          yield* same(yield* store.has(at("own")), false, "what the transaction has put")
        }
        // What it has not read does not matter.
        const free = store.transact((tx) => Effect.zipRight(store.put(at("b"), "1"), tx.put(at("own"), "1")), once)
        yield* Effect.zipRight(free, same(yield* store.has(at("z")), false, "another key"))
      })
  },
  {
    name: "prevents write skew",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        yield* store.put(at("x"), "1")
        yield* store.put(at("y"), "1")
        const giveUp = (own: string) =>
          store.transact((tx) =>
            Effect.gen(function* () {
              const sum = numberIn(yield* tx.get(at("x"))) + numberIn(yield* tx.get(at("y")))
              yield* Effect.yieldNow()
              if (sum > 1) yield* tx.put(at(own), "0")
            })
          )
        yield* Effect.all([giveUp("x"), giveUp("y")], { concurrency: "unbounded" })
        const left = numberIn(yield* store.get(at("x"))) + numberIn(yield* store.get(at("y")))
        yield* same(left, 1, "the sum that must not become 0")
      })
  },
  {
    name: "runs again after a conflict, so that no increment is lost and no money",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        for (const key of ["a", "b", "c"]) yield* store.put(at(key), "100")
        const keys = ["a", "b", "c"] as const
        const transfer = (i: number) =>
          store.transact((tx) =>
            Effect.gen(function* () {
              const [from, to] = [keys[i % 3]!, keys[(i + 1) % 3]!]
              yield* tx.put(at(from), String(numberIn(yield* tx.get(at(from))) - 1))
              yield* tx.put(at(to), String(numberIn(yield* tx.get(at(to))) + 1))
              yield* tx.put(at("n"), String(numberIn(yield* tx.get(at("n"))) + 1))
            })
          )
        yield* Effect.forEach(
          Array.from({ length: 12 }, (_, i) => i),
          transfer,
          {
            concurrency: 4,
            discard: true
          }
        )
        const values = (yield* store.getMany(["a", "b", "c", "n"].map(at))).map(numberIn)
        yield* same(values, [100, 100, 100, 12], "three accounts, and the number of transfers")
      })
  },
  {
    name: "joins a transaction that it is called in",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const inner = store.transact((tx) => Effect.zipRight(tx.put(at("inner"), "1"), tx.has(at("outer"))))
        const outer = store.transact((tx) =>
          Effect.gen(function* () {
            yield* tx.put(at("outer"), "1")
            const seen = yield* inner
            yield* same(seen, true, "whether the inner one sees what the outer one has put")
            yield* same(yield* store.has(at("inner")), false, "what the inner one has put, before the outer one ends")
            return yield* Effect.fail({ _tag: "GivenUp" })
          })
        )
        yield* failsWith("GivenUp", outer)
        yield* same((yield* store.getMany([at("inner"), at("outer")])).map(Option.isSome), [false, false], "both")
      })
  }
]
