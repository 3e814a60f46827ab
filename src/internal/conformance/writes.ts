import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as WriteBatch from "../../WriteBatch.js"
import { type ConformanceCase, failsWith, rowsOf, same, textOf } from "./case.js"

const numberIn = Option.match({ onNone: () => 0, onSome: (bytes: Uint8Array) => Number(textOf(bytes)) })

/** Batches, and writes with conditions. */
export const writeCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "applies a batch as a whole and in its order",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        yield* store.put(at("a"), "0")
        const batch = WriteBatch.make()
          .put(at("b"), "1")
          .put(at("b"), "2")
          .delete(at("a"))
          .put(at("c"), "3")
          .deleteRange({ start: at("c"), end: at("d") })
          .put(at("c5"), "5")
        yield* store.write(batch)
        yield* same(rowsOf(yield* store.collect(own), given), ["b=2", "c5=5"], "the entries")
        yield* store.write(WriteBatch.make())
      })
  },
  {
    name: "writes a batch only if its checks hold",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        yield* store.put(at("a"), "1")
        const first = yield* store.getEntry(at("a"))
        const version = Option.isSome(first) ? first.value.version : -1
        yield* store.write(WriteBatch.make().check(at("a"), version).check(at("b"), "absent").put(at("b"), "2"))
        const failing = [
          WriteBatch.make().check(at("b"), "absent").put(at("c"), "3"),
          WriteBatch.make()
            .put(at("c"), "3")
            .check(at("a"), version + 1),
          WriteBatch.make().check(at("x"), version).put(at("c"), "3")
        ]
        for (const batch of failing) yield* failsWith("Conflict", store.write(batch))
        yield* store.put(at("a"), "1")
        const second = yield* store.getEntry(at("a"))
        const isNewer = Option.isSome(second) && second.value.version > version
        yield* same(isNewer, true, "whether the version of a key grows when it is put again")
        yield* failsWith("Conflict", store.write(WriteBatch.make().check(at("a"), version).put(at("c"), "3")))
        yield* same(rowsOf(yield* store.collect(own), given), ["a=1", "b=2"], "the entries")
        yield* same(yield* store.getEntry(at("x")), Option.none(), "the entry of an absent key")
      })
  },
  {
    name: "updates a value without losing another update",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const add = store.update(at("n"), (value) => String(numberIn(value) + 1))
        yield* Effect.forEach(Array.from({ length: 64 }), () => Effect.repeatN(add, 2), {
          concurrency: "unbounded",
          discard: true
        })
        yield* same(numberIn(yield* store.get(at("n"))), 192, "64 fibers that add 1 three times")
        const kept = yield* store.update(at("n"), () => undefined)
        yield* same(numberIn(kept), 192, "the value that an update leaves")
        yield* same(yield* store.update(at("n"), () => null), Option.none(), "the value that an update deletes")
        yield* same(yield* store.has(at("n")), false, "a key that an update has deleted")
      })
  },
  {
    name: "compares and sets",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const [none, one, two] = [Option.none<string>(), Option.some("1"), Option.some("2")]
        yield* same(yield* store.compareAndSet(at("k"), one, two), false, "another value is expected")
        yield* same(yield* store.compareAndSet(at("k"), none, one), true, "no value is expected")
        yield* same(yield* store.compareAndSet(at("k"), none, two), false, "no value is expected, and there is one")
        const winners = yield* Effect.forEach(
          Array.from({ length: 16 }, (_, i) => i),
          (i) => store.compareAndSet(at("k"), one, Option.some(`by ${i}`)),
          { concurrency: "unbounded" }
        )
        yield* same(winners.filter((won) => won).length, 1, "winners among 16 fibers")
        const value = yield* store.get(at("k"))
        const winner = Option.some(`by ${winners.indexOf(true)}`)
        yield* same(Option.map(value, textOf), winner, "the value of the winner")
        yield* same(yield* store.compareAndSet(at("k"), winner, none), true, "a deletion")
        yield* same(yield* store.has(at("k")), false, "a deleted key")
      })
  },
  {
    name: "shows a write to all fibers as soon as it is acknowledged",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        if (store.limits.reads !== "linearizable") return
        for (let i = 0; i < 20; i++) {
          yield* store.put(at("k"), String(i))
          const seen = yield* Effect.all([store.get(at("k")), store.get(at("k"))], { concurrency: "unbounded" })
          yield* same(seen.map(numberIn), [i, i], "two fibers")
        }
      })
  }
]
