import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Keyspace, KeyspaceError, LsmError, LsmStore, Transaction, WriteBatch } from "effect-lsm"
import { seeded } from "../../src/core/simulation/random.js"
import { toArray } from "../support/bytes.js"
import * as places from "../support/places.js"

const User = Schema.Struct({ email: Schema.String, city: Schema.String, age: Schema.Number })
type User = typeof User.Type

const byEmail = Keyspace.index({ name: "email", on: Schema.String, of: (user: User) => user.email, unique: true })
const byCity = Keyspace.index({
  name: "city",
  on: Schema.Struct({ city: Schema.String, age: Schema.Number }),
  of: ({ age, city }: User) => (city === "" ? undefined : { city, age })
})
const users = { name: "users", key: Schema.Number, value: User }
const Users = Keyspace.make({ ...users, indexes: [byEmail, byCity] })
const Plain = Keyspace.make(users)

const user = (email: string, city: string, age: number): User => ({ email, city, age })
const inMemory = Effect.provide(LsmStore.layerMemory())
const keysOf = <K, V>(rows: Iterable<Keyspace.Row<K, V>>) => Array.from(rows, ({ key }) => key)
const built = <K, V>(rows: Keyspace.OpenKeyspace<K, V>, batchSize = 3) => toArray(rows.buildIndexes({ batchSize }))

describe("an index", () => {
  it.effect("finds rows by another key, in its order", () =>
    Effect.gen(function* () {
      const rows = yield* Keyspace.open(Users)
      yield* rows.put(3, user("c@x", "Rome", 30))
      yield* rows.put(1, user("a@x", "Rome", 30))
      yield* rows.put(2, user("b@x", "Oslo", 5))
      yield* rows.put(4, user("d@x", "", 1))
      yield* rows.put(5, user("e@x", "Rome", -7))
      const email = yield* rows.by(byEmail)
      const city = yield* rows.by(byCity)
      expect(yield* email.get("b@x")).toStrictEqual(Option.some({ key: 2, value: user("b@x", "Oslo", 5) }))
      expect(yield* email.get("b")).toStrictEqual(Option.none())
      expect(keysOf(yield* email.collect())).toStrictEqual([1, 2, 3, 4, 5])
      expect(keysOf(yield* city.collect())).toStrictEqual([2, 5, 1, 3])
      expect(keysOf(yield* city.collect({ reverse: true, limit: 3 }))).toStrictEqual([3, 1, 5])
      expect(keysOf(yield* city.collect({ prefix: { city: "Rome" } }))).toStrictEqual([5, 1, 3])
      expect(keysOf(yield* city.collect({ start: { city: "Rome", age: 0 } }))).toStrictEqual([1, 3])
      expect(keysOf(yield* city.collect({ end: { city: "Rome", age: 30 } }))).toStrictEqual([2, 5])
      expect(yield* city.count({ prefix: { city: "Rome" } })).toBe(3)
      expect((yield* city.get({ city: "Rome", age: 30 })).pipe(Option.map(({ key }) => key))).toStrictEqual(
        Option.some(1)
      )
      for (const chunkSize of [1, 2, 100]) {
        expect(keysOf(yield* toArray(city.scan({ chunkSize })))).toStrictEqual([2, 5, 1, 3])
        expect(keysOf(yield* toArray(city.scan({ chunkSize, reverse: true, limit: 3 })))).toStrictEqual([3, 1, 5])
      }
      expect(yield* rows.checkIndexes()).toStrictEqual([])
    }).pipe(inMemory)
  )

  it.effect("follows each change of a row", () =>
    Effect.gen(function* () {
      const rows = yield* Keyspace.open(Users)
      const email = yield* rows.by(byEmail)
      yield* rows.put(1, user("a@x", "Rome", 1))
      yield* rows.put(1, user("b@x", "Oslo", 2))
      expect(yield* email.get("a@x")).toStrictEqual(Option.none())
      expect(keysOf(yield* email.collect())).toStrictEqual([1])
      yield* rows.put(1, user("b@x", "Oslo", 3))
      yield* rows.put(2, user("a@x", "", 2))
      yield* rows.delete(1)
      yield* rows.delete(9)
      expect(keysOf(yield* email.collect())).toStrictEqual([2])
      expect(yield* (yield* rows.by(byCity)).count()).toBe(0)
      expect(yield* rows.checkIndexes()).toStrictEqual([])
    }).pipe(inMemory)
  )

  it.effect("that is unique refuses a second row, and nothing is written", () =>
    Effect.gen(function* () {
      const rows = yield* Keyspace.open(Users)
      yield* rows.put(1, user("a@x", "Rome", 1))
      const error = yield* Effect.flip(rows.put(2, user("a@x", "Oslo", 2)))
      expect(error).toBeInstanceOf(KeyspaceError.UniqueViolation)
      expect(error).toMatchObject({ keyspace: "users", index: "email", key: '["a@x"]' })
      expect(yield* rows.has(2)).toBe(false)
      expect(yield* (yield* rows.by(byCity)).count()).toBe(1)
      // The same row may be written again, and the key is free when it is gone.
      yield* rows.put(1, user("a@x", "Rome", 5))
      yield* rows.delete(1)
      yield* rows.put(2, user("a@x", "Oslo", 2))
      const exits = yield* Effect.forEach([3, 4, 5, 6], (key) => Effect.exit(rows.put(key, user("z@x", "", key))), {
        concurrency: "unbounded"
      })
      expect(exits.filter(Exit.isSuccess)).toHaveLength(1)
      expect(yield* rows.checkIndexes()).toStrictEqual([])
    }).pipe(inMemory)
  )

  it.effect("is read and written in transactions, and joins them", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const rows = yield* Keyspace.open(Users)
      yield* rows.put(1, user("a@x", "Rome", 1))
      const failed = yield* Effect.exit(
        Transaction.transact(store, (tx) =>
          Effect.gen(function* () {
            const inside = yield* rows.within(tx)
            const email = yield* inside.by(byEmail)
            yield* inside.put(2, user("b@x", "Rome", 1))
            yield* inside.delete(1)
            expect(keysOf(yield* email.collect())).toStrictEqual([2])
            expect(keysOf(yield* toArray(email.scan({ chunkSize: 1 })))).toStrictEqual([2])
            expect(yield* email.count()).toBe(1)
            return yield* Effect.fail("given up")
          })
        )
      )
      expect(Exit.isFailure(failed)).toBe(true)
      expect(keysOf(yield* (yield* rows.by(byEmail)).collect())).toStrictEqual([1])
      // Reading by the index is part of what the transaction has read.
      const lost = Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          const inside = yield* rows.within(tx)
          const found = yield* (yield* inside.by(byCity)).collect({ prefix: { city: "Rome" } })
          yield* rows.put(7, user("g@x", "Rome", 7))
          yield* inside.put(8, user("h@x", "Oslo", found.length))
        })
      )
      yield* Effect.exit(lost)
      expect(yield* rows.checkIndexes()).toStrictEqual([])
    }).pipe(inMemory)
  )

  it.effect("is built for rows that were there before it, also in several lives of the store", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const made = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Plain)
        for (let key = 0; key < 20; key++) yield* rows.put(key, user(`${key}@x`, key % 2 === 0 ? "Rome" : "", key))
      })
      yield* Effect.provide(made, place.open())
      const first = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Users)
        const email = yield* rows.by(byEmail)
        expect(yield* Effect.flip(email.get("1@x"))).toBeInstanceOf(KeyspaceError.IndexNotReady)
        expect(yield* Effect.flip(toArray(email.scan()))).toBeInstanceOf(KeyspaceError.IndexNotReady)
        expect(yield* Effect.flip(email.count())).toBeInstanceOf(KeyspaceError.IndexNotReady)
        const some = yield* toArray(Stream.take(rows.buildIndexes({ batchSize: 3 }), 2))
        expect(some).toStrictEqual([
          { index: "email", rows: 3, isDone: false },
          { index: "email", rows: 6, isDone: false }
        ])
        // Writes while it is built, on both sides of where it is.
        yield* rows.put(2, user("two@x", "Oslo", 2))
        yield* rows.put(17, user("seventeen@x", "Oslo", 17))
        yield* rows.delete(1)
        yield* rows.delete(18)
        yield* rows.put(30, user("30@x", "Oslo", 30))
      })
      yield* Effect.provide(first, place.open())
      const second = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Users)
        const progress = yield* built(rows)
        expect(progress.filter(({ isDone }) => isDone).map(({ index }) => index)).toStrictEqual(["email", "city"])
        expect(progress[0]).toStrictEqual({ index: "email", rows: 3, isDone: false })
        expect(yield* rows.checkIndexes()).toStrictEqual([])
        expect(yield* (yield* rows.by(byEmail)).count()).toBe(19)
        expect((yield* (yield* rows.by(byEmail)).get("two@x")).pipe(Option.map(({ key }) => key))).toStrictEqual(
          Option.some(2)
        )
        expect(yield* built(rows)).toStrictEqual([])
      })
      yield* Effect.provide(second, place.open())
    })
  )

  it.effect("that cannot be unique says so while it is built, and goes on once that is mended", () =>
    Effect.gen(function* () {
      const plain = yield* Keyspace.open(Plain)
      for (let key = 0; key < 10; key++) yield* plain.put(key, user(key === 8 ? "3@x" : `${key}@x`, "", key))
      const rows = yield* Keyspace.open(Users)
      expect(yield* Effect.flip(built(rows))).toBeInstanceOf(KeyspaceError.UniqueViolation)
      yield* rows.put(8, user("8@x", "", 8))
      yield* built(rows)
      expect(yield* rows.checkIndexes()).toStrictEqual([])
      // Whoever does not know of the index writes no more.
      expect(yield* Effect.flip(plain.put(1, user("x", "", 1)))).toBeInstanceOf(KeyspaceError.IndexesChanged)
      expect(yield* Effect.flip(Keyspace.open(Plain))).toMatchObject({ argument: "indexes" })
    }).pipe(inMemory)
  )

  it.effect("is dropped with its keyspace, or alone, and made anew for another version", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const rows = yield* Keyspace.open(Users)
      yield* rows.put(1, user("a@x", "Rome", 1))
      expect(yield* Keyspace.names).toStrictEqual(["users"])
      const byDomain = Keyspace.index({
        name: "email",
        on: Schema.String,
        of: (one: User) => one.email.slice(2),
        version: 2
      })
      const again = yield* Keyspace.open(Keyspace.make({ ...users, indexes: [byDomain, byCity] }))
      expect(yield* Effect.flip(rows.put(2, user("b@x", "", 1)))).toBeInstanceOf(KeyspaceError.IndexesChanged)
      yield* built(again)
      expect(keysOf(yield* (yield* again.by(byDomain)).collect({ prefix: undefined, start: "x" }))).toStrictEqual([1])
      expect(yield* again.checkIndexes()).toStrictEqual([])
      expect(yield* Keyspace.dropIndex("users", "email")).toBe(true)
      expect(yield* Keyspace.dropIndex("users", "email")).toBe(false)
      const one = yield* Keyspace.open(Keyspace.make({ ...users, indexes: [byCity] }))
      yield* one.put(2, user("b@x", "Rome", 1))
      expect(yield* (yield* one.by(byCity)).count()).toBe(2)
      expect(yield* Keyspace.drop("users")).toBe(true)
      expect(yield* Effect.flip(one.put(1, user("", "", 1)))).toBeInstanceOf(KeyspaceError.KeyspaceDropped)
      const fresh = yield* Keyspace.open(Users)
      expect(yield* (yield* fresh.by(byCity)).count()).toBe(0)
      yield* fresh.put(1, user("a@x", "Rome", 1))
      expect(yield* (yield* fresh.by(byCity)).count()).toBe(1)
      expect(yield* Effect.flip(fresh.by(byDomain))).toBeInstanceOf(LsmError.InvalidArgument)
      const batch = WriteBatch.make()
      expect(yield* Effect.flip(fresh.putIn(batch, 1, user("", "", 1)))).toBeInstanceOf(KeyspaceError.EncodeFailed)
      expect(yield* Effect.flip(fresh.deleteIn(batch, 1))).toBeInstanceOf(KeyspaceError.EncodeFailed)
      // What is changed past the keyspace is found by the check.
      yield* store.delete(yield* fresh.keyOf(1))
      expect((yield* fresh.checkIndexes()).map(({ index, kind }) => `${index} ${kind}`)).toStrictEqual([
        "email extra",
        "city extra"
      ])
      expect(yield* Effect.flip((yield* fresh.by(byEmail)).get("a@x"))).toBeInstanceOf(KeyspaceError.DecodeFailed)
    }).pipe(inMemory)
  )

  it.effect("refuses what cannot be one", () =>
    Effect.gen(function* () {
      const of = () => "x"
      for (const bad of [
        Keyspace.index({ name: "", on: Schema.String, of }),
        Keyspace.index({ name: "a", on: Schema.String, of, version: -1 }),
        Keyspace.index({ name: "a", on: Schema.Array(Schema.String), of: () => [] }),
        Keyspace.index({ name: "a", on: Schema.Record({ key: Schema.String, value: Schema.String }), of: () => ({}) })
      ]) {
        const error = yield* Effect.flip(Keyspace.open(Keyspace.make({ ...users, indexes: [bad] })))
        expect(error).toBeInstanceOf(LsmError.InvalidArgument)
      }
      expect(yield* Effect.flip(Keyspace.open(Keyspace.make({ ...users, indexes: [byCity, byCity] })))).toMatchObject({
        argument: "indexes"
      })
    }).pipe(inMemory)
  )

  it.live("agrees with the rows after random writes by many fibers, and while it is built", () =>
    Effect.gen(function* () {
      const random = seeded(7)
      const below = (n: number) => Math.floor(random() * n)
      const plain = yield* Keyspace.open(Plain)
      for (let key = 0; key < 40; key++) yield* plain.put(key, user(`${key}@x`, `c${below(3)}`, below(4)))
      const rows = yield* Keyspace.open(Users)
      const write = Effect.suspend(() => {
        const key = below(60)
        const done =
          below(4) === 0 ? rows.delete(key) : rows.put(key, user(`w${below(60)}@x`, `c${below(3)}`, below(4)))
        return Effect.catchTag(done, "UniqueViolation", () => Effect.void)
      })
      const writers = Effect.all(
        Array.from({ length: 200 }, () => write),
        { concurrency: 8, discard: true }
      )
      const build = Effect.retry(built(rows, 5), { times: 50 })
      yield* Effect.all([writers, Effect.exit(build), writers], { concurrency: 3 })
      yield* Effect.retry(built(rows, 5), { times: 5 })
      expect(yield* rows.checkIndexes()).toStrictEqual([])
      const all = yield* rows.collect()
      expect(yield* (yield* rows.by(byEmail)).count()).toBe(all.length)
      expect(keysOf(yield* (yield* rows.by(byCity)).collect()).sort()).toStrictEqual(keysOf(all).sort())
    }).pipe(inMemory)
  )
})
