import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Keyspace, KeyspaceError, LsmError, LsmStore } from "effect-lsm"
import * as MessagePack from "effect-lsm/MessagePack"
import { toArray } from "../support/bytes.js"
import * as places from "../support/places.js"

const First = Schema.Struct({ name: Schema.String })
const Second = Schema.Struct({ first: Schema.String, last: Schema.String })
const Third = Schema.Struct({ first: Schema.String, last: Schema.String, born: Schema.NullOr(Schema.DateFromString) })

const split = ({ name }: typeof First.Type): typeof Second.Type => {
  const [first = "", last = ""] = name.split(" ")
  return { first, last }
}

const base = { name: "users", key: Schema.Number }
const Users1 = Keyspace.make({ ...base, value: First })
const Users2 = Keyspace.make({ ...base, value: Second, migrations: Keyspace.migration(First, split) })
const byLast = Keyspace.index({ name: "last", on: Schema.String, of: ({ last }: typeof Third.Type) => last })
const migrations = Keyspace.migration(First, split).next(Second, (user) => ({ ...user, born: null }))
const Users3 = Keyspace.make({ ...base, value: Third, migrations })
const Indexed3 = Keyspace.make({ ...base, value: Third, migrations, indexes: [byLast] })

const inMemory = Effect.provide(LsmStore.layerMemory())
const ada = { first: "Ada", last: "Lovelace", born: null }

/** A place with rows of the first and the second version. */
const mixed = Effect.gen(function* () {
  const place = yield* places.memory
  const write = Effect.gen(function* () {
    const first = yield* Keyspace.open(Users1)
    yield* first.put(1, { name: "Ada Lovelace" })
    yield* first.put(2, { name: "Grace Hopper" })
    const second = yield* Keyspace.open(Users2)
    yield* second.put(3, { first: "Alan", last: "Turing" })
    yield* second.put(2, { first: "Grace", last: "H." })
  })
  yield* Effect.provide(write, place.open())
  return place
})

describe("a keyspace with migrations", () => {
  it.effect("reads rows of every version, in each way", () =>
    Effect.gen(function* () {
      const place = yield* mixed
      const read = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Users3)
        const grace = { first: "Grace", last: "H.", born: null }
        const alan = { first: "Alan", last: "Turing", born: null }
        yield* rows.put(4, { ...ada, born: new Date(0) })
        const all = [
          { key: 1, value: ada },
          { key: 2, value: grace },
          { key: 3, value: alan },
          { key: 4, value: { ...ada, born: new Date(0) } }
        ]
        expect(yield* rows.collect()).toStrictEqual(all)
        expect(yield* toArray(rows.scan({ reverse: true }))).toStrictEqual([...all].reverse())
        expect(yield* rows.get(1)).toStrictEqual(Option.some(ada))
        expect(yield* rows.getMany([3, 2])).toStrictEqual([Option.some(alan), Option.some(grace)])
        expect((yield* rows.page({ limit: 2 })).rows).toStrictEqual(all.slice(0, 2))
        const store = yield* LsmStore.LsmStore
        const within = store.transact((tx) => Effect.flatMap(rows.within(tx), (inside) => inside.get(2)))
        expect(yield* within).toStrictEqual(Option.some(grace))
      })
      yield* Effect.provide(read, place.open())
    })
  )

  it.effect("writes old rows anew, some at a time, and goes on in another life of the store", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      yield* Effect.provide(
        Effect.flatMap(Keyspace.open(Users1), (rows) =>
          Effect.forEach(Array.from({ length: 25 }), (_, i) => rows.put(i, { name: `${i} x` }), { discard: true })
        ),
        place.open()
      )
      const begun = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Users3)
        const some = yield* toArray(Stream.take(rows.migrate({ batchSize: 4 }), 2))
        expect(some).toStrictEqual([
          { rows: 4, migrated: 4, isDone: false },
          { rows: 8, migrated: 8, isDone: false }
        ])
        yield* rows.put(10, ada)
        yield* rows.delete(11)
      })
      yield* Effect.provide(begun, place.open())
      const ended = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Users3)
        const before = yield* rows.collect()
        const rest = yield* toArray(rows.migrate({ batchSize: 10 }))
        expect(rest).toStrictEqual([
          { rows: 10, migrated: 9, isDone: false },
          { rows: 16, migrated: 15, isDone: true }
        ])
        expect(yield* rows.collect()).toStrictEqual(before)
        expect(yield* toArray(rows.migrate())).toStrictEqual([])
        const store = yield* LsmStore.LsmStore
        const [key] = [yield* rows.keyOf(5)]
        expect([...Option.getOrThrow(yield* store.get(key)).subarray(0, 2)]).toStrictEqual([0, 3])
      })
      yield* Effect.provide(ended, place.open())
      // It is remembered in the store too.
      const again = Effect.flatMap(Keyspace.open(Users3), (rows) => toArray(rows.migrate()))
      expect(yield* Effect.provide(again, place.open())).toStrictEqual([])
    })
  )

  it.effect("loses no write and no time to live while it writes rows anew", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const first = yield* Keyspace.open(Users1)
      for (let i = 0; i < 40; i++) yield* first.put(i, { name: `${i} x` })
      const key = yield* first.keyOf(7)
      yield* store.expire(key, { ttl: "1 hour" })
      const rows = yield* Keyspace.open(Users3)
      const write = Effect.forEach(
        Array.from({ length: 40 }, (_, i) => 39 - i),
        (i) => (i % 3 === 0 ? rows.put(i, { ...ada, last: String(i) }) : Effect.yieldNow()),
        { discard: true }
      )
      yield* Effect.all([Stream.runDrain(rows.migrate({ batchSize: 7 })), write], { concurrency: "unbounded" })
      const found = yield* rows.collect()
      const expected = (i: number) =>
        i % 3 === 0 ? { ...ada, last: String(i) } : { first: String(i), last: "x", born: null }
      expect(found).toStrictEqual(Array.from({ length: 40 }, (_, i) => ({ key: i, value: expected(i) })))
      expect(Option.isSome(yield* store.expiresAt(key))).toBe(true)
      yield* TestClock.adjust("1 hour")
      expect(yield* rows.has(7)).toBe(false)
    }).pipe(inMemory)
  )

  it.effect("builds its indexes of migrated rows", () =>
    Effect.gen(function* () {
      const place = yield* mixed
      const read = Effect.gen(function* () {
        const rows = yield* Keyspace.open(Indexed3)
        yield* Stream.runDrain(rows.buildIndexes())
        const last = yield* rows.by(byLast)
        expect(Option.map(yield* last.get("Lovelace"), ({ value }) => value)).toStrictEqual(Option.some(ada))
        yield* Stream.runDrain(rows.migrate())
        expect(yield* rows.checkIndexes()).toStrictEqual([])
        yield* rows.put(1, { ...ada, last: "King" })
        expect(yield* rows.checkIndexes()).toStrictEqual([])
      })
      yield* Effect.provide(read, place.open())
    })
  )

  it.effect("refuses a program of an earlier version, and one that reads a later row", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const first = yield* Keyspace.open(Users1)
      const third = yield* Keyspace.open(Users3)
      yield* third.put(1, ada)
      for (const earlier of [Users1, Users2] as const) {
        const error = yield* Effect.flip(Keyspace.openIn(store, earlier as Keyspace.Keyspace<number, unknown>))
        expect(error).toBeInstanceOf(LsmError.InvalidArgument)
        expect(error).toMatchObject({ argument: "migrations" })
        expect(error.message).toContain("was opened with version 3 before")
      }
      const failed = yield* Effect.flip(first.get(1))
      expect(failed).toBeInstanceOf(KeyspaceError.DecodeFailed)
      expect(failed.message).toContain("it has version 3, and this program knows no later one than 1")
      // A new keyspace of the name begins with no version.
      yield* Keyspace.drop("users")
      const anew = yield* Keyspace.open(Users1)
      yield* anew.put(1, { name: "A B" })
      expect(yield* (yield* Keyspace.open(Users2)).get(1)).toStrictEqual(Option.some({ first: "A", last: "B" }))
    }).pipe(inMemory)
  )

  it.effect("is read where nothing can be written, also for the first time", () =>
    Effect.gen(function* () {
      const place = yield* mixed
      const read = Effect.flatMap(Keyspace.open(Users3), (rows) => rows.get(1))
      expect(yield* Effect.provide(read, place.open({ ...({ readOnly: true } as object) }))).toStrictEqual(
        Option.some(ada)
      )
    })
  )

  it.effect("says which row a migration could not take", () =>
    Effect.gen(function* () {
      const Failing = Keyspace.make({
        ...base,
        value: Second,
        migrations: Keyspace.migration(First, ({ name }): typeof Second.Type => {
          throw new Error(`no last name in ${name}`)
        })
      })
      yield* (yield* Keyspace.open(Users1)).put(5, { name: "Plato" })
      const rows = yield* Keyspace.open(Failing)
      const expected = { _tag: "DecodeFailed", keyspace: "users", key: "[5]", reason: "no last name in Plato" }
      expect(yield* Effect.flip(rows.get(5))).toMatchObject(expected)
      expect(yield* Effect.flip(Stream.runDrain(rows.migrate()))).toMatchObject(expected)
    }).pipe(inMemory)
  )

  it.effect("needs a codec that leaves it a byte, and a whole number of rows", () =>
    Effect.gen(function* () {
      const Raw = Keyspace.make({
        name: "raw",
        key: Schema.Number,
        value: Schema.Uint8ArrayFromSelf,
        codec: Keyspace.bytes,
        migrations: Keyspace.migration(Schema.Uint8ArrayFromSelf, (bytes) => bytes)
      })
      expect(yield* Effect.flip(Keyspace.open(Raw))).toMatchObject({ _tag: "InvalidArgument", argument: "codec" })
      const rows = yield* Keyspace.open(Users3)
      for (const batchSize of [0, 1.5, -1, Number.NaN]) {
        const error = yield* Effect.flip(Stream.runDrain(rows.migrate({ batchSize })))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "batchSize" })
      }
    }).pipe(inMemory)
  )

  it.effect("takes values of MessagePack, whatever they begin with", () =>
    Effect.gen(function* () {
      const options = { name: "numbers", key: Schema.Number, codec: MessagePack.codec }
      const Numbers = Keyspace.make({ ...options, value: Schema.Number })
      const Texts = Keyspace.make({
        ...options,
        value: Schema.String,
        migrations: Keyspace.migration(Schema.Number, (n) => `n${n}`)
      })
      const first = yield* Keyspace.open(Numbers)
      const numbers = [0, 1, 127, 128, 255, 256, 65_536, -1, 0.5, 1e300]
      for (const [i, n] of numbers.entries()) yield* first.put(i, n)
      const rows = yield* Keyspace.open(Texts)
      const texts = (open: Keyspace.OpenKeyspace<number, string>) =>
        Effect.map(open.collect(), (all) => all.map(({ value }) => value))
      expect(yield* texts(rows)).toStrictEqual(numbers.map((n) => `n${n}`))
      yield* Stream.runDrain(rows.migrate())
      expect(yield* texts(rows)).toStrictEqual(numbers.map((n) => `n${n}`))
    }).pipe(inMemory)
  )

  it("has the type of the last version", () => {
    const right: { readonly value?: typeof Third.Type } = migrations
    // @ts-expect-error: the first version does not lead to the third.
    const wrong = Keyspace.make({ ...base, value: Third, migrations: Keyspace.migration(First, split) })
    expect([right, wrong]).toHaveLength(2)
  })
})
