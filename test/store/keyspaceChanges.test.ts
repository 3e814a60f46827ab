import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Keyspace, LsmStore, Transaction, WriteBatch } from "effect-lsm"

const Users = Keyspace.make({
  name: "users",
  key: Schema.Struct({ team: Schema.String, id: Schema.Number }),
  value: Schema.Struct({ name: Schema.String })
})
const Others = Keyspace.make({ name: "others", key: Schema.Number, value: Schema.String })

const inMemory = Effect.provide(LsmStore.layerMemory())

/** The first changes that have operations. */
const some = <K, V>(rows: Keyspace.OpenKeyspace<K, V>, count: number, from = "oldest") =>
  rows.changes({ from }).pipe(
    Stream.filter(({ operations }) => operations.length > 0),
    Stream.take(count),
    Stream.runCollect,
    Effect.map((changes) => Array.from(changes))
  )

describe("the changes of a keyspace", () => {
  it.effect("are typed, one for each write, without those of others", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const users = yield* Keyspace.open(Users)
      const others = yield* Keyspace.open(Others)
      yield* users.put({ team: "a", id: 1 }, { name: "Ada" })
      yield* others.put(7, "seven")
      const batch = WriteBatch.make()
      yield* users.putIn(batch, { team: "a", id: 2 }, { name: "Alan" }, { expiresAt: 4_000_000_000_000 })
      yield* others.putIn(batch, 8, "eight")
      yield* users.deleteIn(batch, { team: "a", id: 1 })
      yield* store.write(batch)
      const changes = yield* some(users, 2)
      expect(changes.map(({ operations }) => operations)).toStrictEqual([
        [{ _tag: "Put", key: { team: "a", id: 1 }, value: { name: "Ada" }, version: expect.any(Number) }],
        [
          {
            _tag: "Put",
            key: { team: "a", id: 2 },
            value: { name: "Alan" },
            version: expect.any(Number),
            expiresAt: 4_000_000_000_000
          },
          { _tag: "Delete", key: { team: "a", id: 1 }, version: expect.any(Number) }
        ]
      ])
      expect(yield* some(users, 1, changes[0]!.position)).toStrictEqual([changes[1]])
      expect((yield* some(others, 2)).map(({ operations }) => operations.length)).toStrictEqual([1, 1])
    }).pipe(inMemory)
  )

  it.effect("have a transaction as a whole, and what is written while one reads", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const others = yield* Keyspace.open(Others)
      yield* others.put(0, "before")
      const read = yield* Effect.fork(some(others, 2))
      yield* Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          const rows = yield* others.within(tx)
          yield* rows.put(1, "one")
          yield* rows.put(2, "two")
        })
      )
      const changes = yield* Fiber.join(read)
      expect(changes[1]!.operations.map((operation) => operation._tag)).toStrictEqual(["Put", "Put"])
    }).pipe(inMemory)
  )

  it.effect("end with DecodeFailed at a row that is not one of the Schemas", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const others = yield* Keyspace.open(Others)
      yield* others.put(1, "one")
      yield* store.put(yield* others.keyOf(2), "no JSON")
      const failure = yield* Effect.flip(Stream.runDrain(others.changes({ from: "oldest" })))
      expect(failure).toMatchObject({ _tag: "DecodeFailed", part: "value", key: "[2]" })
    }).pipe(inMemory)
  )

  it.effect("have a DeleteRange when the keyspace is dropped, and cannot be asked for after that", () =>
    Effect.gen(function* () {
      const others = yield* Keyspace.open(Others)
      yield* others.put(1, "one")
      const read = yield* Effect.fork(some(others, 2))
      // The reader is there when the keyspace is dropped.
      yield* Stream.runDrain(Stream.take(others.changes({ from: "oldest" }), 1))
      yield* Keyspace.drop("others")
      const changes = yield* Fiber.join(read)
      expect(changes[1]!.operations.map((operation) => operation._tag)).toStrictEqual(["DeleteRange"])
      const failure = yield* Effect.flip(Stream.runDrain(others.changes()))
      expect(failure._tag).toBe("KeyspaceDropped")
    }).pipe(inMemory)
  )
})
