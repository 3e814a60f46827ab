import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { LsmError, LsmStore, type Store, Transaction, WriteBatch } from "effect-lsm"
import { Conditions } from "../../src/internal/engine/conditions.js"
import { pairs, text } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import * as places from "../support/places.js"
import { clockOf } from "../support/simulatedRuntime.js"

const memory = LsmStore.makeMemory({ durability: "buffered" })
const once: Transaction.Options = { retry: Schedule.recurs(0) }

type Tx = Transaction.Transaction

const fill = (store: Store.Store, keys: string) => Effect.forEach([...keys], (key) => store.put(key, key))
const keysOf = (entries: ReadonlyArray<Store.Entry>) => entries.map(({ key }) => text(key)).join("")

describe("a transaction", () => {
  it.scoped("writes all of its writes at its end, and returns what its program returns", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, "ab")
      const before = (yield* store.stats).sequence
      const result = yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put("a", "1")
          yield* tx.put("a", "2")
          yield* tx.delete("b")
          yield* tx.delete("none")
          yield* tx.write(WriteBatch.make().put("c", "x").put("d", "x").delete("c"))
          expect(yield* pairs(store.scan())).toStrictEqual([
            ["a", "a"],
            ["b", "b"]
          ])
          return "done"
        })
      )
      expect(result).toBe("done")
      expect(yield* pairs(store.scan())).toStrictEqual([
        ["a", "2"],
        ["d", "x"]
      ])
      expect((yield* store.stats).sequence).toBe(before + 5)
      // One that writes nothing takes no number.
      yield* Transaction.transact(store, (tx) => tx.getMany(["a", "b"]))
      expect((yield* store.stats).sequence).toBe(before + 5)
    })
  )

  it.scoped("sees one moment of the store, and its own writes, by every read", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, "abcdef")
      const error = yield* Transaction.transact(
        store,
        (tx) =>
          Effect.gen(function* () {
            yield* store.write(WriteBatch.make().put("a", "later").put("bb", "later").delete("c"))
            yield* tx.put("d", "own")
            yield* tx.delete("e")
            yield* tx.put("ee", "own")
            expect(yield* tx.getString("a")).toStrictEqual(Option.some("a"))
            expect(yield* tx.getString("d")).toStrictEqual(Option.some("own"))
            expect(yield* tx.get("e")).toStrictEqual(Option.none())
            expect(yield* Effect.forEach(["bb", "c", "e", "ee"], tx.has)).toStrictEqual([false, true, false, true])
            const many = yield* tx.getMany(["a", "bb", "d", "e"])
            expect(many.map((value) => Option.getOrUndefined(Option.map(value, text)))).toStrictEqual([
              "a",
              undefined,
              "own",
              undefined
            ])
            const all = [
              ["a", "a"],
              ["b", "b"],
              ["c", "c"],
              ["d", "own"],
              ["ee", "own"],
              ["f", "f"]
            ]
            expect(yield* pairs(tx.scan())).toStrictEqual(all)
            expect(yield* pairs(tx.scan({ chunkSize: 1, reverse: true }))).toStrictEqual(all.toReversed())
            expect(yield* tx.count()).toBe(6)
            expect(yield* tx.count({ prefix: "e" })).toBe(1)
            expect(keysOf(yield* tx.collect({ start: "b", end: "e" }))).toBe("bcd")
            expect(keysOf(yield* tx.collect({ start: "b", limit: 3 }))).toBe("bcd")
            expect(keysOf(yield* tx.collect({ reverse: true, limit: 2 }))).toBe("fee")
            expect(yield* tx.collect({ limit: 0 })).toStrictEqual([])
            // A scan does not see what is written while it runs.
            const during = tx.scan({ chunkSize: 1 }).pipe(
              Stream.tap(({ key }) => tx.put(`${text(key)}+`, "x")),
              Stream.take(3)
            )
            expect(keysOf([...(yield* Stream.runCollect(during))])).toBe("abc")
            expect(yield* tx.has("a+")).toBe(true)
          }),
        once
      ).pipe(Effect.flip)
      expect(error).toBeInstanceOf(LsmError.TransactionConflict)
    })
  )

  it.scoped("gives values that belong to the caller", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const value = Uint8Array.of(1, 2, 3)
      const key = Uint8Array.of(7)
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put(key, value)
          value.fill(9)
          key.fill(9)
          const own = Option.getOrThrow(yield* tx.get(Uint8Array.of(7)))
          expect([...own]).toStrictEqual([1, 2, 3])
          own.fill(8)
          const [entry] = yield* tx.collect()
          expect([[...entry!.key], [...entry!.value]]).toStrictEqual([[7], [1, 2, 3]])
          entry!.value.fill(8)
        })
      )
      expect([...Option.getOrThrow(yield* store.get(Uint8Array.of(7)))]).toStrictEqual([1, 2, 3])
    })
  )

  it.scoped("leaves nothing behind if it fails, dies or is interrupted", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, "a")
      const before = yield* store.stats
      const begun = yield* Deferred.make<void>()
      const ends = [Effect.fail("no"), Effect.die(new Error("no")), Effect.interrupt]
      for (const end of ends) {
        const exit = yield* Effect.exit(
          Transaction.transact(store, (tx) => Effect.zipRight(Effect.zipRight(tx.get("a"), tx.put("a", "x")), end))
        )
        expect(Exit.isFailure(exit)).toBe(true)
      }
      const fiber = yield* Effect.fork(
        Transaction.transact(store, (tx) =>
          tx.put("b", "x").pipe(Effect.zipRight(Deferred.succeed(begun, undefined)), Effect.zipRight(Effect.never))
        )
      )
      yield* Deferred.await(begun)
      expect((yield* store.stats).snapshots).toBe(1)
      yield* Fiber.interrupt(fiber)
      expect(yield* Effect.flip(Transaction.transact(store, () => Effect.fail("no")))).toBe("no")
      const after = yield* store.stats
      expect([after.sequence, after.snapshots]).toStrictEqual([before.sequence, 0])
      expect(yield* pairs(store.scan())).toStrictEqual([["a", "a"]])
    })
  )

  it.scoped("runs again after a conflict, from the beginning", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("n", "0")
      let runs = 0
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          runs++
          const n = Number(Option.getOrThrow(yield* tx.getString("n")))
          if (runs <= 3) yield* store.put("n", String(n + 10))
          yield* tx.put("n", String(n + 1))
        })
      ).pipe(Effect.withClock(noWait))
      expect([runs, Option.getOrThrow(yield* store.getString("n"))]).toStrictEqual([4, "31"])
      const always = (tx: Tx) =>
        Effect.gen(function* () {
          runs++
          yield* tx.get("n")
          yield* store.put("n", "x")
          yield* tx.put("n", "y")
        })
      for (const [options, expected] of [
        [{}, 31],
        [{ retry: Schedule.recurs(2) }, 3],
        [once, 1]
      ] as const) {
        runs = 0
        const error = yield* Effect.flip(Transaction.transact(store, always, options).pipe(Effect.withClock(noWait)))
        expect(error).toBeInstanceOf(LsmError.TransactionConflict)
        expect(runs).toBe(expected)
      }
      expect(yield* store.getString("n")).toStrictEqual(Option.some("x"))
    })
  )

  it.scoped("runs again inside a span, where Effect passes on proxies of errors", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* store.put("n", "0")
      const increment = Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          const n = Number(Option.getOrThrow(yield* tx.getString("n")))
          yield* Effect.yieldNow()
          yield* tx.put("n", String(n + 1))
        })
      )
      yield* Effect.replicateEffect(increment, 10, { concurrency: "unbounded", discard: true }).pipe(
        Effect.withSpan("request"),
        Effect.withClock(noWait)
      )
      expect(yield* store.getString("n")).toStrictEqual(Option.some("10"))
    })
  )

  it.scoped("joins the transaction of the same store in which it is called", () =>
    Effect.gen(function* () {
      const [store, other] = [yield* memory, yield* memory]
      const inner = Transaction.transact(store, (tx) => Effect.tap(tx.getString("a"), () => tx.put("b", "inner")))
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put("a", "outer")
          expect(yield* inner).toStrictEqual(Option.some("outer"))
          expect(yield* Effect.flatMap(Effect.fork(inner), Fiber.join)).toStrictEqual(Option.some("outer"))
          // Another store has transactions of its own, and within it the first one is still joined.
          yield* Transaction.transact(other, (there) => Effect.zipRight(there.put("x", "1"), inner))
          expect(yield* other.has("x")).toBe(true)
          expect(yield* store.has("b")).toBe(false)
        })
      )
      expect(yield* pairs(store.scan())).toStrictEqual([
        ["a", "outer"],
        ["b", "inner"]
      ])
      yield* Effect.exit(
        Transaction.transact(store, () =>
          Effect.zipRight(
            Transaction.transact(store, (tx) => tx.delete("a")),
            Effect.fail("no")
          )
        )
      )
      expect(yield* store.has("a")).toBe(true)
    })
  )

  it.scoped("cannot be used after its end", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const tx = yield* Transaction.transact(store, (transaction) => Effect.succeed(transaction))
      const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        tx.get("a"),
        tx.getString("a"),
        tx.getMany(["a"]),
        tx.has("a"),
        tx.collect(),
        tx.count(),
        Stream.runDrain(tx.scan()),
        tx.put("a", "x"),
        tx.delete("a"),
        tx.write(WriteBatch.make().put("a", "x"))
      ]
      for (const use of uses) {
        expect(yield* Effect.flip(use)).toMatchObject({ _tag: "InvalidArgument", argument: "transaction" })
      }
      // A fiber that outlives the transaction begins one of its own.
      const gate = yield* Deferred.make<void>()
      const left = yield* Transaction.transact(store, () =>
        Effect.forkDaemon(
          Effect.zipRight(
            Deferred.await(gate),
            Transaction.transact(store, (own) => own.put("left", "1"))
          )
        )
      )
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(left)
      expect(yield* store.has("left")).toBe(true)
    })
  )

  it.scoped("refuses what the store refuses", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ maxKeyBytes: 4, maxValueBytes: 4 })
      const refused: ReadonlyArray<readonly [string, (tx: Tx) => Effect.Effect<unknown, unknown>]> = [
        ["key", (tx) => tx.get(1 as never)],
        ["key", (tx) => tx.get("\ud800")],
        ["keys", (tx) => tx.getMany("abc")],
        ["keys", (tx) => tx.getMany(5 as never)],
        ["value", (tx) => tx.put("k", undefined as never)],
        ["limit", (tx) => tx.collect({ limit: -1 })],
        ["chunkSize", (tx) => Stream.runDrain(tx.scan({ chunkSize: 0 }))],
        ["range", (tx) => tx.count(7 as never)],
        ["batch", (tx) => tx.write({} as never)],
        ["batch", (tx) => tx.write(WriteBatch.make().check("k", 1))],
        ["batch", (tx) => tx.write(WriteBatch.make().put("k", 1 as never))]
      ]
      for (const [argument, use] of refused) {
        expect(yield* Effect.flip(Transaction.transact(store, use))).toMatchObject({
          _tag: "InvalidArgument",
          argument
        })
      }
      expect(yield* Effect.flip(Transaction.transact(store, (tx) => tx.put("12345", "x")))).toMatchObject({
        _tag: "LimitExceeded",
        limit: "keyBytes",
        actual: 5,
        most: 4
      })
      expect(yield* Effect.flip(Transaction.transact(store, (tx) => tx.put("k", "12345")))).toMatchObject({
        _tag: "LimitExceeded",
        limit: "valueBytes",
        actual: 5,
        most: 4
      })
      const durability = yield* Effect.flip(
        Transaction.transact(store, (tx) => tx.put("a", "1"), { durability: "never" as never })
      )
      expect(durability).toMatchObject({ _tag: "InvalidArgument", argument: "durability" })
      const place = yield* places.memory
      const closed = yield* places.withStore(place, (open) => Effect.as(open.put("k", "v"), open))
      expect((yield* Effect.flip(Transaction.transact(closed, () => Effect.void)))._tag).toBe("StoreClosed")
      yield* places.withStore(
        place,
        (readOnly) =>
          Effect.gen(function* () {
            expect(yield* Transaction.transact(readOnly, (tx) => tx.getString("k"))).toStrictEqual(Option.some("v"))
            const error = yield* Effect.flip(Transaction.transact(readOnly, (tx) => tx.put("k", "x")))
            expect(error._tag).toBe("StoreReadOnly")
          }),
        { readOnly: true } as never
      )
      const nothing = () => Effect.void
      const misuses: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
        ["store", Transaction.transact({} as never, nothing)],
        ["store", Transaction.transact(undefined as never, nothing)],
        ["program", Transaction.transact(store, Effect.void as never)],
        ["retry", Transaction.transact(store, nothing, { retry: 5 as never })]
      ]
      for (const [argument, run] of misuses) {
        expect(yield* Effect.flip(run)).toMatchObject({ _tag: "InvalidArgument", argument })
      }
    })
  )

  it.scoped("has scans that run as often as they are run, in chunks of bounded size", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ durability: "buffered" })
      for (let i = 0; i < 40; i++) yield* store.put(`k${String(i).padStart(2, "0")}`, new Uint8Array(200_000))
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          const scan = tx.scan({ limit: 3 })
          expect([(yield* Stream.runCollect(scan)).length, (yield* Stream.runCollect(scan)).length]).toStrictEqual([
            3, 3
          ])
          const sizes: Array<number> = []
          yield* Stream.runForEachChunk(tx.scan(), (chunk) => Effect.sync(() => sizes.push([...chunk].length)))
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(40)
          expect(Math.max(...sizes)).toBeLessThanOrEqual(6)
        })
      )
    })
  )

  it.scoped("lets the event loop turn in long reads, and while it is compared with many writes", () =>
    Effect.gen(function* () {
      const store = yield* memory
      for (let i = 0; i < 20; i++) {
        const batch = WriteBatch.make()
        for (let j = 0; j < 1000; j++) batch.put(`k${i * 1000 + j}`, "v")
        yield* store.write(batch)
      }
      let turns = 0
      const timer = setInterval(() => turns++, 0)
      const turnsOf = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.suspend(() => {
          const before = turns
          return Effect.as(effect, before).pipe(Effect.map((start) => turns - start))
        })
      const reads = yield* Transaction.transact(store, (tx) => turnsOf(Effect.zipRight(tx.count(), tx.collect())))
      expect(reads).toBeGreaterThanOrEqual(3)
      const compared = yield* turnsOf(
        Transaction.transact(store, (tx) =>
          Effect.gen(function* () {
            for (let i = 0; i < 500; i++) yield* tx.collect({ start: `r${i * 2}`, end: `r${i * 2 + 1}` })
            for (let i = 0; i < 10_000; i++) yield* store.put(`k${i}`, "w")
            yield* tx.put("out", "x")
          })
        )
      )
      expect(compared).toBeGreaterThan(0)
      clearInterval(timer)
      expect(yield* store.has("out")).toBe(true)
    })
  )

  it.scoped("undoes the writes of a program that joined it and failed", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          yield* tx.put("a", "outer")
          yield* tx.put("b", "outer")
          const inner = Transaction.transact(store, (same) =>
            Effect.zipRight(Effect.zipRight(same.put("a", "inner"), same.delete("b")), Effect.fail("no"))
          )
          expect(yield* Effect.flip(inner)).toBe("no")
          expect(yield* tx.getString("a")).toStrictEqual(Option.some("outer"))
        })
      )
      expect(yield* pairs(store.scan())).toStrictEqual([
        ["a", "outer"],
        ["b", "outer"]
      ])
    })
  )

  it.scoped("that is open for too many writes is too old", () =>
    Effect.gen(function* () {
      const usual = Conditions.mostRecentBytes
      Conditions.mostRecentBytes = 10_000
      const store = yield* Effect.ensuring(
        memory,
        Effect.sync(() => {
          Conditions.mostRecentBytes = usual
        })
      )
      const logs = captureLogs()
      const long = (tx: Tx) =>
        Effect.gen(function* () {
          yield* tx.get("a")
          for (let i = 0; i < 200; i++) yield* store.put(`k${i}`, "v")
          yield* tx.put("b", "x")
        })
      const error = yield* Effect.flip(Transaction.transact(store, long)).pipe(Effect.provide(logs.layer))
      expect(error._tag).toBe("TransactionTooOld")
      expect(yield* store.has("b")).toBe(false)
      // One that has read nothing needs to know nothing.
      yield* Transaction.transact(store, (tx) =>
        Effect.zipRight(
          Effect.forEach(Array.from({ length: 200 }), () => store.put("k", "v")),
          tx.put("b", "x")
        )
      )
      expect(yield* store.has("b")).toBe(true)
    })
  )
})

/** A clock whose sleeps end at once. */
const noWait = clockOf(
  () => 0,
  () => Effect.void
)

describe("conflicts", () => {
  /** Runs a transaction, and `meanwhile` right before its end. Returns how it ends. */
  const between = <E, E2>(
    store: Store.Store,
    program: (tx: Tx) => Effect.Effect<unknown, E>,
    meanwhile: Effect.Effect<unknown, E2>
  ) => Effect.exit(Transaction.transact(store, (tx) => Effect.zipRight(program(tx), meanwhile), once))

  const write = (tx: Tx) => tx.put("out", "x")

  /** A read, a write of another, and whether they conflict. */
  const cases: ReadonlyArray<
    readonly [name: string, read: (tx: Tx) => Effect.Effect<unknown, unknown>, write: string, conflicts: boolean]
  > = [
    ["get of a key", (tx) => tx.get("c"), "c", true],
    ["get of another key", (tx) => tx.get("c"), "d", false],
    ["get of an absent key", (tx) => tx.get("cc"), "cc", true],
    ["has", (tx) => tx.has("c"), "c", true],
    ["getMany", (tx) => tx.getMany(["a", "c"]), "c", true],
    ["get of an own write", (tx) => Effect.zipRight(tx.put("c", "own"), tx.get("c")), "c", false],
    ["a scan, in it", (tx) => tx.collect({ start: "b", end: "d" }), "bb", true],
    ["a scan, at its start", (tx) => tx.collect({ start: "b", end: "d" }), "b", true],
    ["a scan, at its end", (tx) => tx.collect({ start: "b", end: "d" }), "d", false],
    ["a scan, before it", (tx) => tx.collect({ start: "b", end: "d" }), "a", false],
    ["a scan, behind its last entry", (tx) => tx.collect({ start: "b", end: "d" }), "cz", true],
    ["a scan of all", (tx) => tx.count(), "zz", true],
    ["an empty scan", (tx) => tx.collect({ prefix: "x" }), "x1", true],
    ["a scan of nothing", (tx) => tx.collect({ limit: 0 }), "a", false],
    ["a scan with a limit, in it", (tx) => tx.collect({ limit: 2 }), "aa", true],
    ["a scan with a limit, at its last entry", (tx) => tx.collect({ limit: 2 }), "b", true],
    ["a scan with a limit, behind it", (tx) => tx.collect({ limit: 2 }), "b1", false],
    ["a backward scan with a limit, in it", (tx) => tx.collect({ limit: 2, reverse: true }), "ee", true],
    ["a backward scan with a limit, at its last entry", (tx) => tx.collect({ limit: 2, reverse: true }), "e", true],
    ["a backward scan with a limit, before it", (tx) => tx.collect({ limit: 2, reverse: true }), "dz", false],
    ["a backward scan with a limit, behind all", (tx) => tx.collect({ limit: 2, reverse: true }), "zz", true],
    [
      "a Stream that is left, in its part",
      (tx) => Stream.runDrain(Stream.take(tx.scan({ chunkSize: 1 }), 2)),
      "b",
      true
    ],
    [
      "a Stream that is left, behind it",
      (tx) => Stream.runDrain(Stream.take(tx.scan({ chunkSize: 1 }), 2)),
      "d",
      false
    ],
    ["a scan over own deletions", (tx) => Effect.zipRight(tx.delete("a"), tx.collect({ limit: 1 })), "aa", true],
    ["a scan up to an own write", (tx) => Effect.zipRight(tx.put("0", "x"), tx.collect({ limit: 1 })), "a", false],
    ["a batch", (tx) => tx.write(WriteBatch.make().put("c", "x")), "c", false]
  ]
  for (const [name, read, key, conflicts] of cases) {
    it.scoped(`${name}: a write of ${key} ${conflicts ? "conflicts" : "does not conflict"}`, () =>
      Effect.gen(function* () {
        const ways = (store: Store.Store) => [
          store.put(key, "new"),
          store.delete(key),
          store.write(WriteBatch.make().delete(key).put(key, "new")),
          store.update(key, () => "new"),
          Transaction.transact(store, (tx) => tx.put(key, "new"))
        ]
        for (const isFlushed of [false, true]) {
          for (let way = 0; way < 5; way++) {
            const store = yield* memory
            yield* fill(store, "abcdef")
            if (isFlushed) yield* store.compact()
            const exit = yield* between(
              store,
              (tx) => Effect.zipRight(read(tx), write(tx)),
              independent(ways(store)[way]!)
            )
            expect(Exit.isFailure(exit), `way ${way}`).toBe(conflicts)
            expect(yield* store.has("out")).toBe(!conflicts)
            if (!Exit.isFailure(exit)) continue
            const error = yield* Effect.flip(exit)
            expect(error).toBeInstanceOf(LsmError.TransactionConflict)
            expect(text((error as LsmError.TransactionConflict).key)).toBe(key)
          }
        }
      })
    )
  }

  /** Runs an Effect in a fiber that is in no transaction. */
  const independent = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const result = yield* Deferred.make<A, E>()
      yield* Effect.sync(() => {
        Effect.runFork(Effect.intoDeferred(effect, result))
      })
      return yield* Deferred.await(result)
    })

  it.scoped("never fail transactions that only read, or only write", () =>
    Effect.gen(function* () {
      const store = yield* memory
      yield* fill(store, "abc")
      const read = yield* between(store, (tx) => tx.collect(), store.put("a", "new"))
      const blind = yield* between(store, (tx) => tx.put("a", "last"), store.put("a", "new"))
      expect([Exit.isSuccess(read), Exit.isSuccess(blind)]).toStrictEqual([true, true])
      expect(yield* store.getString("a")).toStrictEqual(Option.some("last"))
      // A failed transaction is no conflict for others.
      yield* between(
        store,
        (tx) => Effect.zipRight(tx.get("b"), tx.put("b", "x")),
        independent(
          Effect.exit(Transaction.transact(store, (tx) => Effect.zipRight(tx.put("b", "y"), Effect.fail("no"))))
        )
      )
      expect(yield* store.getString("b")).toStrictEqual(Option.some("x"))
    })
  )
})

/** A transaction that is held open, and ends when it is told to. */
const session = (store: Store.Store) =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<Tx>()
    const last = yield* Deferred.make<void, "aborted">()
    const fiber = yield* Effect.fork(
      Transaction.transact(store, (tx) => Effect.zipRight(Deferred.succeed(begun, tx), Deferred.await(last)), once)
    )
    const tx = yield* Deferred.await(begun)
    const commit = Effect.zipRight(Deferred.succeed(last, undefined), Effect.map(Fiber.await(fiber), Exit.isSuccess))
    const abort = Effect.zipRight(Deferred.fail(last, "aborted"), Fiber.await(fiber))
    const get = (key: string) => Effect.map(tx.getString(key), Option.getOrUndefined)
    return { ...tx, get, commit, abort }
  })

/**
 * The anomalies of "Hermitage" (Martin Kleppmann, github.com/ept/hermitage), named as by Adya. Each
 * test starts with 1 = 10 and 2 = 20.
 */
describe("no anomaly:", () => {
  type Session = Effect.Effect.Success<ReturnType<typeof session>>
  const scenario = (
    name: string,
    run: (store: Store.Store, one: Session, two: Session, three: Session) => Effect.Effect<void, unknown>
  ) =>
    it.scoped(name, () =>
      Effect.gen(function* () {
        const store = yield* memory
        yield* store.put("1", "10")
        yield* store.put("2", "20")
        yield* run(store, yield* session(store), yield* session(store), yield* session(store))
      })
    )
  const both = (store: Store.Store) => Effect.map(pairs(store.scan()), (all) => all.map(([, value]) => value).join(" "))

  scenario("G0, write cycles", (store, one, two) =>
    Effect.gen(function* () {
      yield* one.put("1", "11")
      yield* two.put("1", "12")
      yield* one.put("2", "21")
      expect(yield* one.commit).toBe(true)
      expect(yield* both(store)).toBe("11 21")
      yield* two.put("2", "22")
      expect(yield* two.commit).toBe(true)
      expect(yield* both(store)).toBe("12 22")
    })
  )

  scenario("G1a, aborted reads", (_, one, two) =>
    Effect.gen(function* () {
      yield* one.put("1", "101")
      expect(yield* two.get("1")).toBe("10")
      yield* one.abort
      expect(yield* two.get("1")).toBe("10")
      expect(yield* two.commit).toBe(true)
    })
  )

  scenario("G1b, intermediate reads", (_, one, two) =>
    Effect.gen(function* () {
      yield* one.put("1", "101")
      expect(yield* two.get("1")).toBe("10")
      yield* one.put("1", "11")
      expect(yield* one.commit).toBe(true)
      expect(yield* two.get("1")).toBe("10")
      expect(yield* two.commit).toBe(true)
    })
  )

  scenario("G1c, circular information flow", (_, one, two) =>
    Effect.gen(function* () {
      yield* one.put("1", "11")
      yield* two.put("2", "22")
      expect([yield* one.get("2"), yield* two.get("1")]).toStrictEqual(["20", "10"])
      expect([yield* one.commit, yield* two.commit]).toStrictEqual([true, false])
    })
  )

  scenario("OTV, an observed transaction vanishes", (_, one, two, three) =>
    Effect.gen(function* () {
      yield* one.put("1", "11")
      yield* one.put("2", "19")
      yield* two.put("1", "12")
      expect(yield* one.commit).toBe(true)
      expect(yield* three.get("1")).toBe("10")
      yield* two.put("2", "18")
      expect(yield* three.get("2")).toBe("20")
      expect(yield* two.commit).toBe(true)
      expect([yield* three.get("1"), yield* three.get("2")]).toStrictEqual(["10", "20"])
      expect(yield* three.commit).toBe(true)
    })
  )

  scenario("PMP, predicate-many-preceders", (_, one, two) =>
    Effect.gen(function* () {
      expect(yield* one.collect({ start: "3" })).toStrictEqual([])
      yield* two.put("3", "30")
      expect(yield* two.commit).toBe(true)
      expect(yield* one.collect({ start: "3" })).toStrictEqual([])
      yield* one.put("1", "11")
      expect(yield* one.commit).toBe(false)
    })
  )

  scenario("P4, a lost update", (store, one, two) =>
    Effect.gen(function* () {
      expect([yield* one.get("1"), yield* two.get("1")]).toStrictEqual(["10", "10"])
      yield* one.put("1", "11")
      yield* two.put("1", "12")
      expect([yield* one.commit, yield* two.commit]).toStrictEqual([true, false])
      expect(yield* both(store)).toBe("11 20")
    })
  )

  scenario("G-single, read skew", (_, one, two) =>
    Effect.gen(function* () {
      expect(yield* one.get("1")).toBe("10")
      expect([yield* two.get("1"), yield* two.get("2")]).toStrictEqual(["10", "20"])
      yield* two.put("1", "12")
      yield* two.put("2", "18")
      expect(yield* two.commit).toBe(true)
      expect(yield* one.get("2")).toBe("20")
      expect(yield* one.commit).toBe(true)
    })
  )

  scenario("G2-item, write skew", (store, one, two) =>
    Effect.gen(function* () {
      yield* one.getMany(["1", "2"])
      yield* two.getMany(["1", "2"])
      yield* one.put("1", "11")
      yield* two.put("2", "21")
      expect([yield* one.commit, yield* two.commit]).toStrictEqual([true, false])
      expect(yield* both(store)).toBe("11 20")
    })
  )

  scenario("G2, phantoms", (store, one, two) =>
    Effect.gen(function* () {
      yield* one.collect()
      yield* Stream.runDrain(two.scan({ reverse: true }))
      yield* one.put("3", "30")
      yield* two.put("4", "42")
      expect([yield* two.commit, yield* one.commit]).toStrictEqual([true, false])
      expect(yield* both(store)).toBe("10 20 42")
    })
  )
})
