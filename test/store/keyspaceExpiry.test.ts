import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { Keyspace, LsmStore, Transaction, WriteBatch } from "effect-lsm"

const Codes = Keyspace.make({ name: "codes", key: Schema.Number, value: Schema.String })
const byText = Keyspace.index({ name: "text", on: Schema.String, of: (text: string) => text })
const Indexed = Keyspace.make({ name: "indexed", key: Schema.Number, value: Schema.String, indexes: [byText] })

const inMemory = Effect.provide(LsmStore.layerMemory())

describe("rows that expire", () => {
  it.effect("are written by put, in a batch and in a transaction", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const codes = yield* Keyspace.open(Codes)
      yield* codes.put(1, "put", { ttl: "1 minute" })
      const batch = WriteBatch.make()
      yield* codes.putIn(batch, 2, "batch", { ttl: "1 minute" })
      yield* store.write(batch)
      yield* Transaction.transact(store, (tx) =>
        Effect.flatMap(codes.within(tx), (rows) => rows.put(3, "transaction", { expiresAt: 60_000 }))
      )
      yield* codes.put(4, "kept")
      yield* TestClock.adjust("59 seconds")
      expect(yield* codes.count()).toBe(4)
      yield* TestClock.adjust("1 second")
      expect(yield* codes.collect()).toStrictEqual([{ key: 4, value: "kept" }])
      yield* codes.put(1, "again")
      yield* TestClock.adjust("1 day")
      expect(yield* codes.get(1)).toStrictEqual(Option.some("again"))
    }).pipe(inMemory)
  )

  it.effect("are refused by a keyspace with indexes, and times that are none by all", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const indexed = yield* Keyspace.open(Indexed)
      const codes = yield* Keyspace.open(Codes)
      for (const expiry of [{ ttl: "1 minute" }, { expiresAt: 60_000 }] as const) {
        const failure = yield* Effect.flip(indexed.put(1, "text", expiry))
        expect(failure).toMatchObject({ _tag: "InvalidArgument", argument: "ttl" })
        const within = Transaction.transact(store, (tx) =>
          Effect.flatMap(indexed.within(tx), (rows) => rows.put(1, "text", expiry))
        )
        expect((yield* Effect.flip(within))._tag).toBe("InvalidArgument")
      }
      expect(yield* indexed.count()).toBe(0)
      expect((yield* Effect.flip(codes.put(1, "text", { expiresAt: 0.5 })))._tag).toBe("InvalidArgument")
      const batch = WriteBatch.make()
      yield* codes.putIn(batch, 1, "text", { ttl: "-1 minute" })
      expect((yield* Effect.flip(store.write(batch)))._tag).toBe("InvalidArgument")
      expect(yield* codes.count()).toBe(0)
    }).pipe(inMemory)
  )
})
