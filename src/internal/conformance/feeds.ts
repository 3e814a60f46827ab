import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Change, Operation } from "../../OrderedStore.js"
import * as WriteBatch from "../../WriteBatch.js"
import { type ConformanceCase, failsWith, type Given, same, textOf } from "./case.js"

const durable = { durability: "sync" } as const

/** The operations of changes as texts, without the prefix of the case. */
const textsOf = (operations: Iterable<Operation>, { at }: Given): Array<string> =>
  Array.from(operations, (operation) => {
    const text = (key: Uint8Array) => textOf(key).slice(at("").length)
    if (operation._tag === "Put") return `${text(operation.key)}=${textOf(operation.value)}`
    if (operation._tag === "Delete") return `-${text(operation.key)}`
    return `-[${text(operation.start)}, ${operation.end === undefined ? "" : text(operation.end)})`
  })

const positionNow = ({ store }: Given) =>
  Effect.scoped(Effect.flatMap(store.snapshot, (snapshot) => store.positionOf(snapshot)))

/** The next changes with operations. */
const next = ({ own, store }: Given, from: string, count: number): Effect.Effect<ReadonlyArray<Change>, unknown> =>
  store.changes({ from, ...own }).pipe(
    Stream.filter(({ operations }) => operations.length > 0),
    Stream.take(count),
    Stream.runCollect,
    Effect.map((changes) => Array.from(changes))
  )

/** The feed of changes. */
export const feedCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "feeds each write once and in order, batches and transactions whole",
    run: (given) =>
      Effect.gen(function* () {
        const { at, store } = given
        const begin = yield* positionNow(given)
        yield* store.put(at("a"), "1", durable)
        const batch = WriteBatch.make()
          .put(at("b"), "2")
          .delete(at("a"))
          .deleteRange({ start: at("x"), end: at("z") })
        yield* store.write(batch, durable)
        yield* store.transact((tx) => Effect.zipRight(tx.put(at("c"), "3"), tx.put(at("d"), "4")), durable)
        yield* store.delete(at("b"), durable)
        const changes = yield* next(given, begin, 4)
        const texts = changes.map(({ operations }) => textsOf(operations, given))
        const expected = [["a=1"], ["b=2", "-a", "-[x, z)"], ["c=3", "d=4"], ["-b"]]
        yield* same([...texts.slice(0, 2), [...texts[2]!].sort(), texts[3]], expected, "the changes")
        const versions = changes.flatMap(({ operations }) => operations.map(({ version }) => version))
        const ascending = versions.every((version, i) => i === 0 || version > versions[i - 1]!)
        yield* same(ascending, true, "whether versions ascend")
        const entry = yield* store.getEntry(at("c"))
        const put = changes[2]!.operations.find((operation) => textsOf([operation], given)[0] === "c=3")
        yield* same(put?.version, Option.isSome(entry) ? entry.value.version : undefined, "the version of a put")
        for (const [i, { position }] of changes.slice(0, -1).entries()) {
          yield* same(yield* next(given, position, 3 - i), changes.slice(i + 1), `the changes after number ${i + 1}`)
        }
      })
  },
  {
    name: "feeds what a snapshot does not see, and only that",
    run: (given) =>
      Effect.gen(function* () {
        const { at, store } = given
        yield* store.put(at("before"), "1", durable)
        const snapshot = yield* store.snapshot
        yield* store.put(at("after"), "1", durable)
        const position = yield* store.positionOf(snapshot)
        const [first] = yield* next(given, position, 1)
        yield* same(textsOf(first!.operations, given), ["after=1"], "the first change")
      })
  },
  {
    name: "wakes readers and watchers that wait",
    run: (given) =>
      Effect.gen(function* () {
        const { at, store } = given
        const begin = yield* positionNow(given)
        const reader = yield* Effect.fork(next(given, begin, 3))
        const watch = (watched: Parameters<typeof store.watch>[0], count: number) =>
          Effect.fork(Stream.runCollect(Stream.take(store.watch(watched), count)))
        const key = yield* watch({ key: at("k") }, 2)
        const prefix = yield* watch({ prefix: at("") }, 3)
        // A watcher sees what is written when it has begun. Nothing says when that is.
        for (let i = 0; i < 100; i++) yield* Effect.yieldNow()
        yield* store.put(at("k"), "1", durable)
        yield* store.put(at("k2"), "2", durable)
        yield* store.deleteRange({ start: at("k"), end: at("l") }, durable)
        const changes = yield* Fiber.join(reader)
        const expected = ["k=1", "k2=2", "-[k, l)"]
        yield* same(
          changes.flatMap(({ operations }) => textsOf(operations, given)),
          expected,
          "the reader"
        )
        yield* same(textsOf(yield* Fiber.join(key), given), ["k=1", "-k"], "the watcher of a key")
        yield* same(textsOf(yield* Fiber.join(prefix), given), expected, "the watcher of a prefix")
      })
  },
  {
    name: "refuses what is no position",
    run: ({ store }) =>
      Effect.asVoid(failsWith("InvalidArgument", Stream.runDrain(store.changes({ from: "no position" }))))
  }
]
