import * as ClusterStorage from "@effect/cluster/MessageStorage"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as Snowflake from "@effect/cluster/Snowflake"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { Keyspace, LsmStore, OrderedStore } from "effect-lsm"
import * as MessageStorage from "effect-lsm/MessageStorage"
import { disk, memory, type Place } from "../support/places.js"
import { ack, addressOf, Count, chunk, exit, interrupt, Once, request, shard, shortly } from "./clusterMessages.js"
import { testMessages } from "./messageSuite.js"

testMessages("in the cluster's own memory", Layer.provide(ClusterStorage.layerMemory, ShardingConfig.layerDefaults))
testMessages("on a store in memory", Layer.provide(MessageStorage.layer(), LsmStore.layerMemory()))
testMessages(
  "on a store on disk",
  Layer.unwrapScoped(Effect.map(disk, (place) => Layer.provide(MessageStorage.layer(), place.open())))
)

type Services = ClusterStorage.MessageStorage | Snowflake.Generator | OrderedStore.OrderedStore

const open = (place: Place, name?: string) =>
  Layer.provideMerge(
    Layer.merge(MessageStorage.layer(name === undefined ? {} : { name }), Snowflake.layerGenerator),
    place.open()
  )

const test = (title: string, program: Effect.Effect<void, unknown, Services | Scope.Scope>) =>
  it.scoped(title, () => Effect.flatMap(memory, (place) => Effect.provide(program, open(place))))

const unprocessed = (...shards: ReadonlyArray<number>) =>
  Effect.flatMap(ClusterStorage.MessageStorage, (storage) =>
    Effect.map(storage.unprocessedMessages(shards.map(shard)), shortly)
  )

const save = (n: number) =>
  Effect.gen(function* () {
    const sent = yield* request({ n })
    yield* (yield* ClusterStorage.MessageStorage).saveRequest(sent)
    return sent
  })

describe("claims", () => {
  test(
    "keep what was read from being read again, for 10 minutes",
    Effect.gen(function* () {
      yield* save(1)
      expect(yield* unprocessed(1)).toStrictEqual([1])
      yield* save(2)
      expect(yield* unprocessed(1)).toStrictEqual([2])
      yield* TestClock.adjust("9 minutes")
      expect(yield* unprocessed(1)).toStrictEqual([])
      yield* TestClock.adjust("1 minute")
      expect(yield* unprocessed(1)).toStrictEqual([1, 2])
    })
  )

  test(
    "end when their shards or addresses are reset",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      for (const [n, entity, id] of [
        [1, "a", 1],
        [2, "b", 1],
        [3, "a", 2]
      ] as const)
        yield* storage.saveRequest(yield* request({ n, entity, shard: id }))
      expect(yield* unprocessed(1, 2)).toStrictEqual([1, 2, 3])
      yield* storage.resetShards([shard(2)])
      expect(yield* unprocessed(1, 2)).toStrictEqual([3])
      yield* storage.resetAddress(addressOf({ entity: "b" }))
      expect(yield* unprocessed(1, 2)).toStrictEqual([2])
    })
  )

  test(
    "of a request that ends while others read are not made anew",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      for (let round = 0; round < 50; round++) {
        const sent = yield* save(round)
        expect(yield* unprocessed(1)).toStrictEqual([round])
        const [read] = yield* Effect.all([unprocessed(1), Effect.flatMap(exit(sent), storage.saveReply)], {
          concurrency: "unbounded"
        })
        expect(read).toStrictEqual([])
      }
    })
  )
})

describe("replies", () => {
  test(
    "have one exit for each request",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* save(1)
      const first = yield* exit(sent)
      yield* storage.saveReply(first)
      yield* storage.saveReply(first)
      const error = yield* Effect.flip(storage.saveReply(yield* exit(sent)))
      expect(error._tag).toBe("PersistenceError")
      expect((yield* storage.repliesFor([sent])).map(({ id }) => id)).toStrictEqual([first.reply.id])
    })
  )

  test(
    "have one exit even if many are saved at once",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* save(1)
      const results = yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.exit(Effect.flatMap(exit(sent), storage.saveReply))),
        { concurrency: "unbounded" }
      )
      expect(results.filter(({ _tag }) => _tag === "Success")).toHaveLength(1)
      expect(yield* storage.repliesFor([sent])).toHaveLength(1)
    })
  )

  test(
    "to streams keep requests from being read until chunks are acknowledged",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* request({ rpc: Count, n: 1 })
      yield* storage.saveRequest(sent)
      const first = yield* chunk(sent, 0)
      yield* storage.saveReply(first)
      expect(yield* unprocessed(1)).toStrictEqual([])
      const other = yield* Effect.flip(Effect.flatMap(chunk(sent, 0), storage.saveReply))
      expect(other._tag).toBe("PersistenceError")
      yield* storage.saveEnvelope(yield* ack(sent, first))
      const [read] = yield* storage.unprocessedMessages([shard(1)])
      expect(read?._tag === "IncomingRequest" && Option.map(read.lastSentReply, ({ id }) => id)).toStrictEqual(
        Option.some(String(first.reply.id))
      )
    })
  )

  test(
    "to streams are acknowledged by the last acknowledgement alone",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* request({ rpc: Count, n: 1 })
      yield* storage.saveRequest(sent)
      for (const sequence of [0, 1, 2]) {
        const next = yield* chunk(sent, sequence)
        yield* storage.saveReply(next)
        yield* storage.saveEnvelope(yield* ack(sent, next))
      }
      expect(yield* unprocessed(1)).toStrictEqual([1, "AckChunk"])
      const again = yield* storage.saveRequest(yield* request({ rpc: Count, n: 1 }))
      expect(again._tag === "Duplicate" && Option.map(again.lastReceivedReply, ({ _tag }) => _tag)).toStrictEqual(
        Option.some("Chunk")
      )
    })
  )

  test(
    "end what was said about a request",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* save(1)
      yield* storage.saveEnvelope(yield* interrupt(sent))
      yield* storage.saveReply(yield* exit(sent))
      yield* storage.saveEnvelope(yield* interrupt(sent))
      yield* storage.clearReplies(sent.envelope.requestId)
      expect(yield* unprocessed(1)).toStrictEqual([1])
    })
  )

  test(
    "to requests that are not there are left out",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* request()
      yield* storage.saveReply(yield* exit(sent))
      yield* storage.saveEnvelope(yield* interrupt(sent))
      yield* storage.clearReplies(sent.envelope.requestId)
      expect(yield* storage.repliesForUnfiltered([sent.envelope.requestId])).toStrictEqual([])
      expect(yield* (yield* OrderedStore.OrderedStore).count()).toBe(1)
    })
  )
})

describe("requests", () => {
  test(
    "with the same primary key are saved once, even if many are saved at once",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const results = yield* Effect.all(
        Array.from({ length: 20 }, () => Effect.flatMap(request({ rpc: Once }), storage.saveRequest)),
        { concurrency: "unbounded" }
      )
      expect(results.filter(({ _tag }) => _tag === "Success")).toHaveLength(1)
      expect(yield* unprocessed(1)).toStrictEqual([1])
    })
  )

  test(
    "are returned in the order in which they were saved, whatever their ids are",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      for (const n of [3, 1, 2]) yield* storage.saveRequest(yield* request({ n, id: Snowflake.Snowflake(String(n)) }))
      expect(yield* unprocessed(1)).toStrictEqual([3, 1, 2])
    })
  )

  test(
    "are returned whole if there are more than one read takes",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const all = Array.from({ length: 1300 }, (_, n) => n)
      yield* Effect.forEach(all, (n) => Effect.flatMap(request({ n }), storage.saveRequest), {
        concurrency: "unbounded"
      })
      expect((yield* unprocessed(1)).sort((a, b) => Number(a) - Number(b))).toStrictEqual(all)
    })
  )

  test(
    "leave nothing behind when they are forgotten",
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.MessageStorage
      const sent = yield* request({ rpc: Count })
      yield* storage.saveRequest(sent)
      const first = yield* chunk(sent, 0)
      yield* storage.saveReply(first)
      yield* storage.saveEnvelope(yield* ack(sent, first))
      yield* storage.saveEnvelope(yield* interrupt(sent))
      yield* storage.clearAddress(addressOf({ shard: 5 }))
      // What remains counts how often the mailboxes were opened.
      expect(yield* (yield* OrderedStore.OrderedStore).count()).toBe(1)
      expect((yield* storage.saveRequest(sent))._tag).toBe("Success")
    })
  )
})

for (const [title, place] of [
  ["memory", memory],
  ["disk", disk]
] as const) {
  describe(`opened again, ${title}`, () => {
    it.scoped("goes on with what has not ended, in the old order", () =>
      Effect.gen(function* () {
        const at = yield* place
        const [one] = yield* Effect.provide(
          Effect.gen(function* () {
            const sent = [yield* save(1), yield* save(2), yield* save(3)] as const
            expect(yield* unprocessed(1)).toStrictEqual([1, 2, 3])
            return sent
          }),
          open(at)
        )
        yield* Effect.provide(
          Effect.gen(function* () {
            const storage = yield* ClusterStorage.MessageStorage
            yield* storage.saveReply(yield* exit(one))
            yield* save(4)
            expect(yield* unprocessed(1)).toStrictEqual([2, 3, 4])
          }),
          open(at)
        )
        yield* Effect.provide(
          Effect.gen(function* () {
            const storage = yield* ClusterStorage.MessageStorage
            expect(yield* storage.repliesFor([one])).toHaveLength(1)
            expect(yield* unprocessed(1)).toStrictEqual([2, 3, 4])
          }),
          open(at)
        )
      })
    )
  })
}

const Users = Keyspace.make({ name: "cluster", key: Schema.String, value: Schema.String })

describe("a store", () => {
  it.scoped("holds several clusters, each with a name, and keyspaces", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const program = Effect.gen(function* () {
        yield* save(1)
        const users = yield* Keyspace.open(Users)
        yield* users.put("default", "a row")
        expect(yield* unprocessed(1)).toStrictEqual([1])
        expect(yield* users.count()).toBe(1)
      })
      yield* Effect.provide(program, open(at))
      yield* Effect.provide(program, open(at, "other"))
    })
  )

  it.scoped("that fails is the cause of the failure", () =>
    Effect.gen(function* () {
      const storage = yield* Effect.provide(ClusterStorage.MessageStorage, open(yield* memory))
      const sent = yield* Effect.provide(request(), Snowflake.layerGenerator)
      const failure = yield* Effect.flip(storage.saveRequest(sent))
      expect(failure).toMatchObject({ _tag: "PersistenceError", cause: { _tag: "StoreClosed" } })
    })
  )

  it.scoped("refuses a name that has no UTF-8", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Layer.build(open(yield* memory, "\ud800")))
      expect(failure).toMatchObject({ _tag: "PersistenceError" })
    })
  )
})
