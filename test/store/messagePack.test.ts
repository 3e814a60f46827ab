import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Keyspace, LsmStore } from "effect-lsm"
import * as MessagePack from "effect-lsm/MessagePack"

const inMemory = Effect.provide(LsmStore.layerMemory())

const Anything = Keyspace.make({
  name: "anything",
  key: Schema.Number,
  value: Schema.Unknown,
  codec: MessagePack.codec
})

describe("values in MessagePack", () => {
  it.effect("have bytes, dates and bigints beside what JSON has", () =>
    Effect.gen(function* () {
      const anything = yield* Keyspace.open(Anything)
      const values = [
        null,
        undefined,
        true,
        0,
        -1,
        2 ** 40,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        "",
        "é\0😀",
        "x".repeat(5000),
        0n,
        -(2n ** 63n),
        2n ** 200n,
        new Date(0),
        new Date(-1),
        new Date(1764433200123),
        [],
        [[1], { a: [{}] }],
        { "": 1, a: { b: null } }
      ]
      for (const [i, value] of values.entries()) yield* anything.put(i, value)
      expect((yield* anything.collect()).map(({ value }) => value)).toStrictEqual(values)
    }).pipe(inMemory)
  )

  it.effect("go through a Schema, and keep bytes apart from each other", () =>
    Effect.gen(function* () {
      const files = yield* Keyspace.open(
        Keyspace.make({
          name: "files",
          key: Schema.String,
          value: Schema.Struct({ content: Schema.Uint8ArrayFromSelf, on: Schema.DateFromSelf }),
          codec: MessagePack.codec
        })
      )
      for (let i = 0; i < 200; i++) {
        yield* files.put(`file ${i}`, { content: new Uint8Array(100).fill(i), on: new Date(i) })
      }
      for (let i = 0; i < 200; i++) {
        const { content, on } = Option.getOrThrow(yield* files.get(`file ${i}`))
        expect([...content]).toStrictEqual(Array(100).fill(i))
        expect(on).toStrictEqual(new Date(i))
      }
    }).pipe(inMemory)
  )

  it.effect("that are damaged, or of another codec, are DecodeFailed", () =>
    Effect.gen(function* () {
      const anything = yield* Keyspace.open(Anything)
      const store = yield* LsmStore.LsmStore
      const key = yield* anything.keyOf(1)
      const whole = MessagePack.codec.encode({ a: [1, "text", { b: new Date(0) }], c: "x".repeat(40) })
      for (let length = 0; length < whole.length; length++) {
        yield* store.put(key, whole.slice(0, length))
        expect(yield* Effect.flip(anything.get(1))).toMatchObject({ _tag: "DecodeFailed", part: "value", key: "[1]" })
      }
      yield* store.put(key, Uint8Array.of(...whole, 0))
      expect(yield* Effect.flip(anything.get(1))).toMatchObject({ _tag: "DecodeFailed" })
      yield* store.put(key, '{"a":1}')
      expect(yield* Effect.flip(anything.get(1))).toMatchObject({ _tag: "DecodeFailed" })
    }).pipe(inMemory)
  )

  it.effect("that it cannot hold are EncodeFailed", () =>
    Effect.gen(function* () {
      const anything = yield* Keyspace.open(Anything)
      const circle: Array<unknown> = []
      circle.push(circle)
      for (const value of [() => 1, Symbol("a"), circle, new Map([[1, 2]]), new Set([1])]) {
        expect(yield* Effect.flip(anything.put(1, value))).toMatchObject({ _tag: "EncodeFailed", part: "value" })
      }
    }).pipe(inMemory)
  )
})
