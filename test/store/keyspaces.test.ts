import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Keyspace, KeyspaceError, LsmError, LsmStore, Transaction, WriteBatch } from "effect-lsm"
import * as places from "../support/places.js"

const Users = Keyspace.make({
  name: "users",
  key: Schema.String,
  value: Schema.Struct({ name: Schema.String, age: Schema.Number })
})

const Visits = Keyspace.make({
  name: "visits",
  key: Schema.Struct({ user: Schema.String, at: Schema.DateFromSelf, n: Schema.Number }),
  value: Schema.String
})

const Paths = Keyspace.make({ name: "paths", key: Schema.Array(Schema.String), value: Schema.Number })

const Triples = Keyspace.make({
  name: "triples",
  key: Schema.Tuple(Schema.String, Schema.Number, Schema.BigIntFromSelf),
  value: Schema.Number
})

const inMemory = Effect.provide(LsmStore.layerMemory())
const keysOf = <K, V>(rows: Iterable<Keyspace.Row<K, V>>) => Array.from(rows, ({ key }) => key)

describe("a keyspace", () => {
  it.effect("has typed rows", () =>
    Effect.gen(function* () {
      const users = yield* Keyspace.open(Users)
      expect(users.name).toBe("users")
      yield* users.put("ada", { name: "Ada", age: 36 })
      yield* users.put("", { name: "nobody", age: 0 })
      expect(yield* users.get("ada")).toStrictEqual(Option.some({ name: "Ada", age: 36 }))
      expect(yield* users.get("bob")).toStrictEqual(Option.none())
      expect(yield* users.has("")).toBe(true)
      expect(yield* users.getMany(["bob", "ada"])).toStrictEqual([Option.none(), Option.some({ name: "Ada", age: 36 })])
      yield* users.delete("")
      expect(yield* users.has("")).toBe(false)
      expect(yield* users.collect()).toStrictEqual([{ key: "ada", value: { name: "Ada", age: 36 } }])
      expect(yield* users.count()).toBe(1)
    }).pipe(inMemory)
  )

  it.effect("orders rows by the parts of their keys", () =>
    Effect.gen(function* () {
      const triples = yield* Keyspace.open(Triples)
      const keys = [
        ["", -1, 0n],
        ["a", Number.NEGATIVE_INFINITY, 0n],
        ["a", -2.5, 0n],
        ["a", 0, -(10n ** 30n)],
        ["a", 0, -1n],
        ["a", 0, 0n],
        ["a", 0, 10n ** 700n],
        ["a", 9, 0n],
        ["a", 10, 0n],
        ["a\0", 0, 0n],
        ["a\0b", 0, 0n],
        ["b", 0, 0n],
        ["\uffff", 0, 0n],
        ["😀", 0, 0n]
      ] as const
      for (const key of [...keys].reverse()) yield* triples.put(key, 1)
      expect(keysOf(yield* triples.collect())).toStrictEqual(keys)
      expect(keysOf(yield* triples.collect({ reverse: true, limit: 2 }))).toStrictEqual([keys[13], keys[12]])
      expect(keysOf(yield* triples.collect({ prefix: ["a"] }))).toStrictEqual(keys.slice(1, 9))
      expect(keysOf(yield* triples.collect({ prefix: ["a", -0] }))).toStrictEqual(keys.slice(3, 7))
      expect(yield* triples.collect({ prefix: ["c"] })).toStrictEqual([])
      expect(keysOf(yield* triples.collect({ prefix: [] }))).toStrictEqual(keys)
      expect(keysOf(yield* triples.collect({ prefix: ["a", 0, 0n] }))).toStrictEqual([keys[5]])
      expect(keysOf(yield* triples.collect({ start: ["a", 9], end: ["b"] }))).toStrictEqual(keys.slice(7, 11))
      expect(keysOf(yield* triples.collect({ start: keys[4], end: keys[7], prefix: ["a"] }))).toStrictEqual(
        keys.slice(4, 7)
      )
      expect(keysOf(yield* triples.collect({ start: [""], end: ["b"], prefix: ["a\0b"] }))).toStrictEqual([keys[10]])
      expect(yield* triples.collect({ start: ["b"], end: ["a"] })).toStrictEqual([])
      expect(yield* triples.count({ prefix: ["a"] })).toBe(8)
      expect(
        Array.from(yield* Stream.runCollect(triples.scan({ prefix: ["a"], chunkSize: 3 })), ({ key }) => key)
      ).toStrictEqual(keys.slice(1, 9))
    }).pipe(inMemory)
  )

  it.effect("has structs as keys, and their first fields as prefixes", () =>
    Effect.gen(function* () {
      const visits = yield* Keyspace.open(Visits)
      const at = (time: number) => new Date(time)
      for (const [user, time, n] of [
        ["ada", 5, 1],
        ["ada", -5, 2],
        ["bob", 0, 3],
        ["ada", 5, 0]
      ] as const) {
        yield* visits.put({ n, user, at: at(time) }, `${user} ${n}`)
      }
      expect((yield* visits.collect({ prefix: { user: "ada" } })).map(({ value }) => value)).toStrictEqual([
        "ada 2",
        "ada 0",
        "ada 1"
      ])
      expect(
        (yield* visits.collect({ prefix: { user: "ada", at: at(5) }, reverse: true })).map(({ key }) => key)
      ).toStrictEqual([
        { user: "ada", at: at(5), n: 1 },
        { user: "ada", at: at(5), n: 0 }
      ])
      expect(yield* visits.count({ start: { user: "ada", at: at(0) } })).toBe(3)
      expect(yield* visits.count({ prefix: {} })).toBe(4)
      for (const prefix of [{ at: at(5) }, { user: "ada", n: 1 }, { usr: "ada" } as never, { user: 1 } as never]) {
        expect(yield* Effect.flip(visits.collect({ prefix }))).toMatchObject({ _tag: "EncodeFailed", part: "key" })
      }
    }).pipe(inMemory)
  )

  it.effect("has arrays as keys", () =>
    Effect.gen(function* () {
      const paths = yield* Keyspace.open(Paths)
      const keys = [[], [""], ["", ""], ["a"], ["a", ""], ["a", "b"], ["a\0"], ["aa"]]
      for (const [i, key] of keys.entries()) yield* paths.put(key, i)
      expect(keysOf(yield* paths.collect())).toStrictEqual(keys)
      expect(keysOf(yield* paths.collect({ prefix: ["a"] }))).toStrictEqual([["a"], ["a", ""], ["a", "b"]])
    }).pipe(inMemory)
  )

  it.effect("has every kind of element, also through transformations and classes", () =>
    Effect.gen(function* () {
      class Point extends Schema.Class<Point>("Point")({ x: Schema.NumberFromString, y: Schema.Number }) {}
      const Everything = Keyspace.make({
        name: "everything",
        key: Schema.Tuple(
          Schema.Union(Schema.Null, Schema.Boolean, Schema.Number),
          Schema.Uint8ArrayFromSelf,
          Schema.instanceOf(Keyspace.Uuid),
          Schema.DateFromString,
          Point
        ),
        value: Schema.Null
      })
      const everything = yield* Keyspace.open(Everything)
      const uuid = Keyspace.Uuid.parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
      const rest = [Uint8Array.of(0, 0xff), uuid, new Date(0), new Point({ x: 1, y: -1 })] as const
      for (const first of [true, 1, null, false]) yield* everything.put([first, ...rest], null)
      expect(keysOf(yield* everything.collect())).toStrictEqual([null, 1, false, true].map((first) => [first, ...rest]))
      expect((yield* everything.collect())[0]!.key[4]).toBeInstanceOf(Point)
      expect(yield* everything.count({ prefix: [null, Uint8Array.of(0, 0xff)] })).toBe(1)
      expect(yield* everything.count({ prefix: [null, Uint8Array.of(0)] })).toBe(0)
      const points = yield* Keyspace.open(Keyspace.make({ name: "points", key: Point, value: Schema.Null }))
      yield* points.put(new Point({ x: 10, y: 2 }), null)
      // Numbers in strings are ordered as strings.
      yield* points.put(new Point({ x: 9, y: 2 }), null)
      expect(keysOf(yield* points.collect({ prefix: { x: 10 } }))).toStrictEqual([new Point({ x: 10, y: 2 })])
      expect(keysOf(yield* points.collect()).map(({ x }) => x)).toStrictEqual([10, 9])
    }).pipe(inMemory)
  )

  it.effect("takes brands, literals and unions as keys", () =>
    Effect.gen(function* () {
      const Id = Schema.String.pipe(Schema.brand("Id"))
      const brands = yield* Keyspace.open(Keyspace.make({ name: "brands", key: Id, value: Schema.Null }))
      const id = Schema.decodeUnknownSync(Id)("a")
      yield* brands.put(id, null)
      expect(keysOf(yield* brands.collect({ start: id }))).toStrictEqual([id])
      const kinds = yield* Keyspace.open(
        Keyspace.make({
          name: "kinds",
          key: Schema.Struct({ kind: Schema.Literal("b", "a"), id: Id }),
          value: Schema.Null
        })
      )
      yield* kinds.put({ kind: "b", id }, null)
      yield* kinds.put({ kind: "a", id }, null)
      expect(keysOf(yield* kinds.collect()).map(({ kind }) => kind)).toStrictEqual(["a", "b"])
      expect(yield* kinds.count({ prefix: { kind: "a" } })).toBe(1)
      expect(yield* Effect.flip(kinds.count({ prefix: { kind: "c" as "a" } }))).toMatchObject({ _tag: "EncodeFailed" })
    }).pipe(inMemory)
  )

  it.effect("fails with what a Schema throws", () =>
    Effect.gen(function* () {
      const Throwing = Schema.declare((value: unknown): value is string => {
        if (value === "stop") throw new Error("the Schema throws")
        return typeof value === "string"
      })
      const throwing = yield* Keyspace.open(Keyspace.make({ name: "throwing", key: Throwing, value: Throwing }))
      yield* throwing.put("go", "go")
      expect(yield* Effect.flip(throwing.get("stop"))).toMatchObject({ _tag: "EncodeFailed", part: "key" })
      expect(yield* Effect.flip(throwing.put("go", "stop"))).toMatchObject({ _tag: "EncodeFailed", part: "value" })
    }).pipe(inMemory)
  )

  it.effect("refuses keys that have no place in an order", () =>
    Effect.gen(function* () {
      const triples = yield* Keyspace.open(Triples)
      const visits = yield* Keyspace.open(Visits)
      for (const effect of [
        triples.put(["a", Number.NaN, 0n], 1),
        triples.put(["\ud800", 0, 0n], 1),
        triples.get(["a", "1" as never, 0n]),
        triples.has(["a", 1] as never),
        triples.delete(["a", 1, 2] as never),
        triples.getMany([["a", 1, 0n], undefined as never]),
        visits.put({ user: "a", at: new Date(Number.NaN), n: 0 }, ""),
        triples.putIn(WriteBatch.make(), ["a", Number.NaN, 0n], 1),
        triples.deleteIn(WriteBatch.make(), ["a", Number.NaN, 0n]),
        triples.keyOf(["a", Number.NaN, 0n])
      ]) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, unknown>)
        expect(error).toBeInstanceOf(KeyspaceError.EncodeFailed)
        expect(error).toMatchObject({ part: "key" })
      }
      expect(yield* Effect.flip(triples.put(["x".repeat(70_000), 0, 0n], 1))).toMatchObject({
        _tag: "LimitExceeded",
        limit: "keyBytes"
      })
      expect(yield* triples.count()).toBe(0)
    }).pipe(inMemory)
  )

  it.effect("refuses Schemas of keys without an order of fields", () =>
    Effect.gen(function* () {
      const open = <K, V>(keyspace: Keyspace.Keyspace<K, V>) => Effect.flip(Keyspace.open(keyspace))
      const row = { name: "bad", value: Schema.Null }
      for (const error of [
        yield* open(Keyspace.make({ ...row, key: Schema.Struct({ a: Schema.optional(Schema.String) }) })),
        yield* open(Keyspace.make({ ...row, key: Schema.Record({ key: Schema.String, value: Schema.String }) })),
        yield* open(Keyspace.make({ ...row, key: Schema.Union(Schema.Struct({ a: Schema.String }), Schema.String) })),
        yield* open(Keyspace.make({ ...row, key: Schema.Array(Schema.Struct({ a: Schema.optional(Schema.String) })) }))
      ]) {
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "key" })
      }
      for (const name of ["", "\ud800", "x".repeat(1025), undefined as never]) {
        const made = Keyspace.make({ name, key: Schema.String, value: Schema.Null })
        expect(yield* Effect.flip(Keyspace.open(made))).toMatchObject({ _tag: "InvalidArgument", argument: "name" })
      }
      expect(yield* Keyspace.names).toStrictEqual([])
    }).pipe(inMemory)
  )
})

describe("values", () => {
  it.effect("of another Schema are DecodeFailed, with keyspace and key", () =>
    Effect.gen(function* () {
      const users = yield* Keyspace.open(Users)
      const Other = Keyspace.make({ name: "users", key: Schema.String, value: Schema.String })
      const others = yield* Keyspace.open(Other)
      yield* users.put("a", { name: "Ada", age: 1 })
      yield* others.put("b", "text")
      for (const effect of [
        users.get("b"),
        users.getMany(["a", "b"]),
        users.collect(),
        Stream.runDrain(users.scan()),
        users.page({ limit: 10 })
      ]) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, unknown>)
        expect(error).toBeInstanceOf(KeyspaceError.DecodeFailed)
        expect(error).toMatchObject({ keyspace: "users", part: "value", key: '["b"]' })
      }
      expect(yield* users.count()).toBe(2)
      expect(yield* users.has("b")).toBe(true)
      // Another Schema of keys.
      const numbers = yield* Keyspace.open(Keyspace.make({ ...otherKeys, key: Schema.Number }))
      expect(yield* Effect.flip(numbers.collect())).toMatchObject({ part: "key", key: '["a"]' })
      const pairs = yield* Keyspace.open(
        Keyspace.make({ ...otherKeys, key: Schema.Tuple(Schema.String, Schema.String) })
      )
      expect(yield* Effect.flip(pairs.collect())).toMatchObject({ part: "key", key: '["a"]' })
      // Bytes that are no key and no JSON.
      const store = yield* LsmStore.LsmStore
      const key = yield* users.keyOf("c")
      yield* store.put(key, "{")
      expect(yield* Effect.flip(users.get("c"))).toMatchObject({ part: "value", key: '["c"]' })
      yield* store.put(Uint8Array.of(...key.slice(0, 3), 0x99), "{}")
      expect(yield* Effect.flip(users.collect({ reverse: true }))).toMatchObject({ part: "key", key: "0x99" })
    }).pipe(inMemory)
  )

  const otherKeys = { name: "users", value: Schema.Unknown }

  it.effect("that JSON would change are refused", () =>
    Effect.gen(function* () {
      const Anything = Keyspace.make({ name: "anything", key: Schema.String, value: Schema.Unknown })
      const anything = yield* Keyspace.open(Anything)
      const circle: Array<unknown> = []
      circle.push(circle)
      for (const value of [
        undefined,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        1n,
        new Date(),
        [undefined],
        { a: [new Map()] },
        () => 1,
        Symbol("a"),
        circle,
        new Uint8Array(3)
      ]) {
        const error = yield* Effect.flip(anything.put("a", value))
        expect(error).toMatchObject({ _tag: "EncodeFailed", keyspace: "anything", part: "value" })
      }
      const value = { a: [1, null, "é\0", { b: true, __proto__: null }], "": [] }
      yield* anything.put("a", value)
      expect(yield* anything.get("a")).toStrictEqual(Option.some(JSON.parse(JSON.stringify(value))))
    }).pipe(inMemory)
  )

  it.effect("are encoded by their Schema", () =>
    Effect.gen(function* () {
      const Dates = Keyspace.make({
        name: "dates",
        key: Schema.Number,
        value: Schema.Struct({ on: Schema.DateFromString, big: Schema.optional(Schema.BigInt) })
      })
      const dates = yield* Keyspace.open(Dates)
      yield* dates.put(1, { on: new Date(0), big: 2n ** 70n })
      yield* dates.put(2, { on: new Date(1) })
      expect(yield* dates.get(1)).toStrictEqual(Option.some({ on: new Date(0), big: 2n ** 70n }))
      expect(yield* dates.get(2)).toStrictEqual(Option.some({ on: new Date(1) }))
    }).pipe(inMemory)
  )

  it.effect("are bytes with that codec", () =>
    Effect.gen(function* () {
      const files = yield* Keyspace.open(
        Keyspace.make({ name: "files", key: Schema.String, value: Schema.Uint8ArrayFromSelf, codec: Keyspace.bytes })
      )
      yield* files.put("a", Uint8Array.of(0, 255))
      yield* files.put("empty", new Uint8Array(0))
      expect((yield* files.collect()).map(({ value }) => [...value])).toStrictEqual([[0, 255], []])
      const texts = yield* Keyspace.open(
        Keyspace.make({ name: "files", key: Schema.String, value: Schema.String, codec: Keyspace.bytes })
      )
      expect(yield* Effect.flip(texts.put("a", "text"))).toMatchObject({ _tag: "EncodeFailed", part: "value" })
    }).pipe(inMemory)
  )
})

describe("pages", () => {
  const fill = Effect.gen(function* () {
    const triples = yield* Keyspace.open(Triples)
    const batch = WriteBatch.make()
    for (let i = 0; i < 25; i++) yield* triples.putIn(batch, [i % 2 === 0 ? "even" : "odd", i, 0n], i)
    yield* (yield* LsmStore.LsmStore).write(batch)
    return triples
  })

  it.effect("have each row once, in either direction", () =>
    Effect.gen(function* () {
      const triples = yield* fill
      for (const reverse of [false, true]) {
        for (const limit of [1, 6, 13, 12, 100]) {
          const seen: Array<number> = []
          let after: string | undefined
          do {
            const page: Keyspace.Page<unknown, number> = yield* triples.page({
              limit,
              after,
              reverse,
              prefix: ["even"]
            })
            expect(page.rows.length).toBeLessThanOrEqual(limit)
            seen.push(...page.rows.map(({ value }) => value))
            after = page.next
          } while (after !== undefined)
          const expected = Array.from({ length: 13 }, (_, i) => 2 * i)
          expect(seen).toStrictEqual(reverse ? expected.reverse() : expected)
        }
      }
    }).pipe(inMemory)
  )

  it.effect("refuse continuations that are not theirs", () =>
    Effect.gen(function* () {
      const triples = yield* fill
      const users = yield* Keyspace.open(Users)
      const { next } = yield* triples.page({ limit: 3 })
      const changed = `${next!.slice(0, 8)}${next![8] === "A" ? "B" : "A"}${next!.slice(9)}`
      for (const after of [
        "",
        "x",
        "näh",
        changed,
        next!.slice(0, -1),
        `${next}=`,
        `${next}A`,
        1 as never,
        null as never
      ]) {
        expect(yield* Effect.flip(triples.page({ limit: 3, after }))).toMatchObject({
          _tag: "InvalidArgument",
          argument: "after"
        })
      }
      expect(yield* Effect.flip(users.page({ limit: 3, after: next }))).toMatchObject({ argument: "after" })
      expect(yield* Effect.flip(triples.page({ limit: 3, after: next, reverse: true }))).toMatchObject({
        argument: "after"
      })
      for (const limit of [0, -1, 1.5, Number.NaN, undefined as never]) {
        expect(yield* Effect.flip(triples.page({ limit }))).toMatchObject({ argument: "limit" })
      }
      // Another range than that of the page before: its rest.
      expect(
        (yield* triples.page({ limit: 2, after: next, prefix: ["odd"] })).rows.map(({ value }) => value)
      ).toStrictEqual([1, 3])
      yield* Keyspace.drop("triples")
      const again = yield* fill
      expect(yield* Effect.flip(again.page({ limit: 3, after: next }))).toMatchObject({ argument: "after" })
    }).pipe(inMemory)
  )

  it.effect("go on although their last row is deleted, and see a snapshot if they are given one", () =>
    Effect.gen(function* () {
      const triples = yield* fill
      const store = yield* LsmStore.LsmStore
      const snapshot = yield* store.snapshot
      const first = yield* triples.page({ limit: 3 })
      for (const { key } of first.rows) yield* triples.delete(key)
      yield* triples.delete(["even", 6, 0n])
      const second = yield* triples.page({ limit: 2, after: first.next })
      expect(second.rows.map(({ value }) => value)).toStrictEqual([8, 10])
      const before = yield* triples.page({ limit: 2, after: first.next, snapshot })
      expect(before.rows.map(({ value }) => value)).toStrictEqual([6, 8])
    }).pipe(Effect.scoped, inMemory)
  )
})

describe("keyspaces of one store", () => {
  it.effect("do not see each other, whatever their names", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      yield* store.put("a", "plain")
      const names = ["a", "ab", "a\0", "a\0b", "😀", "__proto__"]
      const opened = yield* Effect.forEach(names, (name) =>
        Keyspace.open(Keyspace.make({ name, key: Schema.Array(Schema.Unknown), value: Schema.String }))
      )
      for (const keyspace of opened) yield* keyspace.put([], keyspace.name)
      for (const keyspace of opened) {
        expect((yield* keyspace.collect()).map(({ value }) => value)).toStrictEqual([keyspace.name])
      }
      expect(yield* Keyspace.names).toStrictEqual(
        [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      )
      // What begins with another byte than 0xff is the application's.
      expect(yield* store.count({ end: Uint8Array.of(0xff) })).toBe(1)
    }).pipe(inMemory)
  )

  it.effect("are written together in one batch", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const users = yield* Keyspace.open(Users)
      const paths = yield* Keyspace.open(Paths)
      yield* users.put("old", { name: "old", age: 1 })
      const batch = WriteBatch.make()
      yield* users.putIn(batch, "ada", { name: "Ada", age: 36 })
      yield* paths.putIn(batch, ["ada"], 1)
      yield* users.deleteIn(batch, "old")
      expect(yield* users.has("ada")).toBe(false)
      yield* store.write(batch)
      expect(keysOf(yield* users.collect())).toStrictEqual(["ada"])
      expect(keysOf(yield* paths.collect())).toStrictEqual([["ada"]])
    }).pipe(inMemory)
  )

  it.effect("share a directory with copies of the store", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const users = yield* Keyspace.openIn({ ...store }, Users)
      const paths = yield* Keyspace.openIn({ ...store }, Paths)
      yield* users.put("ada", { name: "Ada", age: 36 })
      expect(yield* paths.collect()).toStrictEqual([])
      expect(yield* (yield* Keyspace.open(Users)).count()).toBe(1)
      yield* Keyspace.drop("users")
      expect(yield* Effect.flip(users.count())).toMatchObject({ _tag: "KeyspaceDropped" })
    }).pipe(inMemory)
  )

  it.effect("get one id each, also if many fibers open them", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const make = (i: number) => Keyspace.make({ name: `k${i}`, key: Schema.Number, value: Schema.Number })
      const opened = yield* Effect.forEach(
        Array.from({ length: 300 }, (_, i) => i % 100),
        (i) => Effect.tap(Keyspace.open(make(i)), (keyspace) => keyspace.put(i, i)),
        { concurrency: "unbounded" }
      )
      for (const [i, keyspace] of opened.entries()) {
        expect(keysOf(yield* keyspace.collect())).toStrictEqual([i % 100])
      }
      expect((yield* Keyspace.names).length).toBe(100)
      expect(yield* store.count()).toBe(100 + 100 + 1)
    }).pipe(inMemory)
  )

  it.effect("can be ten thousand", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      const make = (i: number) => Keyspace.make({ name: `tenant ${i}`, key: Schema.Number, value: Schema.Number })
      yield* places.withStore(place, (store) =>
        Effect.forEach(
          Array.from({ length: 10_000 }, (_, i) => i),
          (i) => Effect.flatMap(Keyspace.openIn(store, make(i)), (keyspace) => keyspace.put(0, i)),
          { discard: true }
        )
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          for (const i of [0, 254, 255, 256, 9999]) {
            const keyspace = yield* Keyspace.openIn(store, make(i))
            expect(yield* keyspace.collect()).toStrictEqual([{ key: 0, value: i }])
          }
          expect((yield* Keyspace.namesIn(store)).length).toBe(10_000)
        })
      )
    })
  )

  it.scoped("keep their names and ids when the store is opened again", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      let next: string | undefined
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          const users = yield* Keyspace.openIn(store, Users)
          for (const name of ["a", "b", "c"]) yield* users.put(name, { name, age: 1 })
          next = (yield* users.page({ limit: 2 })).next
        })
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          const paths = yield* Keyspace.openIn(store, Paths)
          expect(yield* paths.collect()).toStrictEqual([])
          yield* paths.put(["x"], 1)
          const users = yield* Keyspace.openIn(store, Users)
          expect(keysOf((yield* users.page({ limit: 2, after: next })).rows)).toStrictEqual(["c"])
          expect(yield* Keyspace.dropIn(store, "users")).toBe(true)
        })
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* Keyspace.namesIn(store)).toStrictEqual(["paths"])
          const users = yield* Keyspace.openIn(store, Users)
          expect(yield* users.collect()).toStrictEqual([])
          const last = yield* Keyspace.openIn(store, Triples)
          for (let i = 0; i < 3; i++) yield* last.put(["", i, 0n], i)
          next = (yield* last.page({ limit: 1 })).next
          yield* Keyspace.dropIn(store, "triples")
        })
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          // No id is given again: neither one of which nothing is left, nor one that has no rows yet.
          const again = yield* Keyspace.openIn(store, Triples)
          expect(yield* Effect.flip(again.page({ limit: 1, after: next }))).toMatchObject({ argument: "after" })
          yield* again.put(["", 1, 0n], 1)
          expect(yield* (yield* Keyspace.openIn(store, Users)).count()).toBe(0)
        })
      )
      const readOnly = LsmStore.make({ directory: place.directory, readOnly: true })
      yield* Effect.gen(function* () {
        const store = yield* readOnly
        expect(keysOf(yield* (yield* Keyspace.openIn(store, Paths)).collect())).toStrictEqual([["x"]])
        const another = Keyspace.make({ name: "another", key: Schema.String, value: Schema.String })
        expect(yield* Effect.flip(Keyspace.openIn(store, another))).toBeInstanceOf(LsmError.StoreReadOnly)
      }).pipe(Effect.scoped)
    })
  )

  it.effect("get no id that has rows, although the directory lost its entries", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          const users = yield* Keyspace.openIn(store, Users)
          yield* users.put("a", { name: "a", age: 1 })
          const batch = WriteBatch.make()
          for (const { key } of yield* store.collect({ prefix: Uint8Array.of(0xff, 0x14) })) batch.delete(key)
          yield* store.write(batch)
        })
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* (yield* Keyspace.openIn(store, Users)).count()).toBe(0)
          yield* store.put(Uint8Array.of(0xff, 0x14, 0x14, 2, 0x78, 0), "no id")
          const damaged = Keyspace.make({ name: "x", key: Schema.String, value: Schema.String })
          expect(yield* Effect.flip(Keyspace.openIn(store, damaged))).toMatchObject({
            _tag: "DecodeFailed",
            keyspace: "x",
            part: "directory"
          })
        })
      )
    })
  )
})

describe("a dropped keyspace", () => {
  it.effect("is gone at once, and its rows are swept in batches", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const users = yield* Keyspace.open(Users)
      const paths = yield* Keyspace.open(Paths)
      yield* paths.put(["stays"], 1)
      const batch = WriteBatch.make()
      for (let i = 0; i < 2500; i++) yield* users.putIn(batch, `user ${i}`, { name: "", age: i })
      yield* store.write(batch)
      expect(yield* Keyspace.drop("nothing")).toBe(false)
      expect(yield* Keyspace.drop("users")).toBe(true)
      expect(yield* Keyspace.drop("users")).toBe(false)
      for (const effect of [
        users.get("user 1"),
        users.put("a", { name: "", age: 1 }),
        users.delete("a"),
        users.collect(),
        users.count(),
        users.page({ limit: 1 }),
        Stream.runDrain(users.scan()),
        users.putIn(WriteBatch.make(), "a", { name: "", age: 1 }),
        users.deleteIn(WriteBatch.make(), "a")
      ]) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, unknown>)
        expect(error).toStrictEqual(new KeyspaceError.KeyspaceDropped({ keyspace: "users" }))
      }
      const again = yield* Keyspace.open(Users)
      yield* again.put("new", { name: "new", age: 1 })
      expect(yield* again.count()).toBe(1)
      expect(yield* again.count()).toBe(1)
      expect(yield* paths.count()).toBe(1)
      // Two rows, two names, and the next id.
      expect(yield* store.count()).toBe(5)
    }).pipe(inMemory)
  )
})

describe("a scan", () => {
  it.effect("that ends early leaves nothing open, and sees one moment", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          const triples = yield* Keyspace.openIn(store, Triples)
          const batch = WriteBatch.make()
          for (let i = 0; i < 5000; i++) yield* triples.putIn(batch, ["a", i, 0n], i)
          yield* store.write(batch)
          const first = yield* triples.scan().pipe(Stream.take(3), Stream.runCollect)
          expect(Array.from(first, ({ value }) => value)).toStrictEqual([0, 1, 2])
          const failed = triples.scan().pipe(
            Stream.mapEffect(({ value }) => (value === 1500 ? Effect.fail("stop" as const) : Effect.succeed(value))),
            Stream.runDrain
          )
          expect(yield* Effect.flip(failed)).toBe("stop")
          const interrupted = triples.scan().pipe(
            Stream.mapEffect(({ value }) => (value === 1500 ? Effect.interrupt : Effect.succeed(value))),
            Stream.runDrain
          )
          expect((yield* Effect.exit(interrupted))._tag).toBe("Failure")
          const deleting = triples.scan().pipe(
            Stream.mapEffect(({ key }) => Effect.as(triples.delete(key), key)),
            Stream.runCount
          )
          expect(yield* deleting).toBe(5000)
          expect(yield* triples.count()).toBe(0)
        })
      )
    })
  )

  it.effect("decodes many rows in turns", () =>
    Effect.gen(function* () {
      const triples = yield* Keyspace.open(Triples)
      const store = yield* LsmStore.LsmStore
      const batch = WriteBatch.make()
      for (let i = 0; i < 5000; i++) yield* triples.putIn(batch, ["a", i, 0n], i)
      yield* store.write(batch)
      const rows = yield* triples.collect()
      expect(rows.length).toBe(5000)
      expect(rows[4999]).toStrictEqual({ key: ["a", 4999, 0n], value: 4999 })
      expect((yield* triples.getMany(rows.map(({ key }) => key))).length).toBe(5000)
    }).pipe(inMemory)
  )
})

describe("a transaction", () => {
  const Accounts = Keyspace.make({ name: "accounts", key: Schema.String, value: Schema.Number })
  const Transfers = Keyspace.make({
    name: "transfers",
    key: Schema.Struct({ from: Schema.String, n: Schema.Number }),
    value: Schema.Number
  })

  it.live("reads and writes several keyspaces as if alone", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const accounts = yield* Keyspace.open(Accounts)
      const transfers = yield* Keyspace.open(Transfers)
      yield* accounts.put("ada", 100)
      const transfer = (from: string, to: string, amount: number) =>
        Transaction.transact(store, (tx) =>
          Effect.gen(function* () {
            const inAccounts = yield* accounts.within(tx)
            const inTransfers = yield* transfers.within(tx)
            const [source, target] = yield* inAccounts.getMany([from, to])
            const balance = Option.getOrElse(source!, () => 0)
            if (balance < amount) return yield* Effect.fail("too little" as const)
            yield* inAccounts.put(from, balance - amount)
            yield* inAccounts.put(to, Option.getOrElse(target!, () => 0) + amount)
            const n = yield* inTransfers.count({ prefix: { from } })
            yield* inTransfers.put({ from, n }, amount)
            // The transaction sees its own writes.
            expect((yield* inTransfers.collect({ prefix: { from }, reverse: true, limit: 1 }))[0]!.key.n).toBe(n)
            expect(yield* inAccounts.get(from)).toStrictEqual(Option.some(balance - amount))
            const page = yield* inTransfers.page({ limit: 1, prefix: { from } })
            expect(page.next === undefined).toBe(n === 0)
            return Array.from(yield* Stream.runCollect(inTransfers.scan({ prefix: { from } }))).length
          })
        )
      const counts = yield* Effect.all(
        Array.from({ length: 10 }, () => transfer("ada", "bob", 10)),
        { concurrency: "unbounded" }
      )
      expect([...counts].sort((a, b) => a - b)).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      expect(yield* Effect.flip(transfer("ada", "bob", 1))).toBe("too little")
      expect(yield* accounts.get("bob")).toStrictEqual(Option.some(100))
      expect(keysOf(yield* transfers.collect()).map(({ n }) => n)).toStrictEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }).pipe(inMemory)
  )

  it.effect("that deletes, meets a row of another Schema, or a dropped keyspace", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const accounts = yield* Keyspace.open(Accounts)
      const texts = yield* Keyspace.open(Keyspace.make({ name: "accounts", key: Schema.String, value: Schema.String }))
      yield* accounts.put("ada", 100)
      yield* texts.put("bob", "text")
      const run = <A, E>(program: (rows: Keyspace.Rows<string, number>) => Effect.Effect<A, E>) =>
        Transaction.transact(store, (tx) => Effect.flatMap(accounts.within(tx), program))
      yield* run((rows) =>
        Effect.gen(function* () {
          yield* rows.delete("ada")
          expect(yield* rows.has("ada")).toBe(false)
          expect(yield* accounts.has("ada")).toBe(true)
        })
      )
      expect(yield* accounts.has("ada")).toBe(false)
      expect(yield* Effect.flip(run((rows) => rows.collect()))).toMatchObject({ _tag: "DecodeFailed", key: '["bob"]' })
      expect(yield* Effect.flip(run((rows) => rows.put("a", Number.NaN)))).toMatchObject({ _tag: "EncodeFailed" })
      let ended: Transaction.Transaction | undefined
      yield* Transaction.transact(store, (tx) => Effect.sync(() => (ended = tx)))
      const other = yield* LsmStore.makeMemory()
      for (const refused of [
        accounts.within(ended!),
        accounts.within({ ...ended! }),
        Transaction.transact(other, (tx) => accounts.within(tx))
      ]) {
        expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "InvalidArgument", argument: "transaction" })
      }
      yield* Keyspace.drop("accounts")
      expect(yield* Effect.flip(run((rows) => rows.get("a")))).toMatchObject({ _tag: "KeyspaceDropped" })
    }).pipe(Effect.scoped, inMemory)
  )
})
