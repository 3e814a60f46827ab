import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as Snowflake from "@effect/cluster/Snowflake"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import {
  Add,
  ack,
  addressOf,
  Count,
  chunk,
  exit,
  interrupt,
  Once,
  Ping,
  request,
  shard,
  shortly,
  withHandler
} from "./clusterMessages.js"

type Services = MessageStorage.MessageStorage | Snowflake.Generator

/** What every `MessageStorage` does, after the tests of the one in memory and of those on SQL. */
export const testMessages = <E>(name: string, layer: Layer.Layer<MessageStorage.MessageStorage, E>): void => {
  const test = (title: string, program: Effect.Effect<void, unknown, Services>) =>
    it.effect(title, () => Effect.provide(program, Layer.merge(layer, Snowflake.layerGenerator)))

  describe(name, () => {
    test(
      "returns what was saved, in that order",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const first = yield* request({ n: 1 })
        expect((yield* storage.saveRequest(first))._tag).toBe("Success")
        for (const n of [2, 3, 4, 5]) yield* storage.saveRequest(yield* request({ n }))
        yield* storage.saveReply(yield* exit(first))
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([2, 3, 4, 5])
      })
    )

    test(
      "returns what is for the shards that are asked for",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        for (const n of [1, 2, 3]) yield* storage.saveRequest(yield* request({ n, shard: n }))
        expect(yield* storage.unprocessedMessages([])).toStrictEqual([])
        expect(shortly(yield* storage.unprocessedMessages([shard(3), shard(1)]))).toStrictEqual([1, 3])
        expect(shortly(yield* storage.unprocessedMessages([shard(2)]))).toStrictEqual([2])
      })
    )

    test(
      "returns the whole request",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request({ n: 7, entity: "b" })
        yield* storage.saveRequest(sent)
        const [read] = yield* storage.unprocessedMessages([shard(1)])
        expect(read?.envelope._tag).toBe("Request")
        expect(read?.envelope.address).toStrictEqual(addressOf({ entity: "b" }))
        expect(read?.envelope).toMatchObject({ requestId: sent.envelope.requestId, tag: Add._tag, payload: { n: 7 } })
      })
    )

    test(
      "saves requests without a payload",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        yield* storage.saveRequest(yield* request({ rpc: Ping }))
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual(["Ping"])
      })
    )

    test(
      "finds a request by its primary key, and returns it instead of saving another",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const first = yield* request({ rpc: Once })
        const find = storage.requestIdForPrimaryKey({ address: addressOf({}), tag: "Once", id: "1" })
        expect(yield* find).toStrictEqual(Option.none())
        yield* storage.saveRequest(first)
        expect(yield* find).toStrictEqual(Option.some(first.envelope.requestId))
        const again = yield* storage.saveRequest(yield* request({ rpc: Once }))
        expect(again).toMatchObject({ _tag: "Duplicate", originalId: first.envelope.requestId })
        expect((yield* storage.saveRequest(yield* request({ rpc: Once, n: 2 })))._tag).toBe("Success")
        expect((yield* storage.saveRequest(yield* request({ rpc: Once, entity: "b" })))._tag).toBe("Success")
      })
    )

    test(
      "returns the exit of a request that is sent again",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const first = yield* request({ rpc: Once })
        yield* storage.saveRequest(first)
        const { reply } = yield* Effect.tap(exit(first), (saved) => storage.saveReply(saved))
        const again = yield* storage.saveRequest(yield* request({ rpc: Once }))
        expect(again._tag === "Duplicate" && Option.map(again.lastReceivedReply, ({ id }) => id)).toStrictEqual(
          Option.some(reply.id)
        )
      })
    )

    test(
      "returns long primary keys",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const entity = "long".repeat(200)
        yield* storage.saveRequest(yield* request({ rpc: Once, entity }))
        expect((yield* storage.saveRequest(yield* request({ rpc: Once, entity })))._tag).toBe("Duplicate")
      })
    )

    test(
      "returns no request that has ended",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        yield* storage.saveRequest(sent)
        yield* storage.saveReply(yield* exit(sent))
        expect(yield* storage.unprocessedMessages([shard(1)])).toStrictEqual([])
      })
    )

    test(
      "returns replies",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        yield* storage.saveRequest(sent)
        expect(yield* storage.repliesFor([sent])).toStrictEqual([])
        const { reply } = yield* Effect.tap(exit(sent), (saved) => storage.saveReply(saved))
        expect((yield* storage.repliesFor([sent])).map(({ id }) => id)).toStrictEqual([reply.id])
        expect(yield* storage.repliesFor([])).toStrictEqual([])
      })
    )

    test(
      "returns chunks until they are acknowledged",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request({ rpc: Count })
        const save = (sequence: number) => Effect.tap(chunk(sent, sequence), (saved) => storage.saveReply(saved))
        const tags = Effect.map(storage.repliesFor([sent]), (replies) =>
          replies.map((reply) => (reply._tag === "Chunk" ? reply.sequence : reply._tag))
        )
        yield* storage.saveRequest(sent)
        const first = yield* save(0)
        expect(yield* tags).toStrictEqual([0])
        yield* storage.saveEnvelope(yield* ack(sent, first))
        expect(yield* tags).toStrictEqual([])
        yield* save(1)
        yield* storage.saveReply(yield* exit(sent))
        expect(yield* tags).toStrictEqual([1, "WithExit"])
        const all = yield* storage.repliesForUnfiltered([sent.envelope.requestId])
        expect(all.map(({ _tag }) => _tag)).toStrictEqual(["Chunk", "Chunk", "WithExit"])
      })
    )

    test(
      "passes replies to handlers",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        const replies: Array<unknown> = []
        yield* storage.saveRequest(sent)
        const handler = withHandler(sent, (reply) => Effect.sync(() => void replies.push(reply.requestId)))
        const fiber = yield* Effect.fork(storage.registerReplyHandler(handler))
        yield* TestClock.adjust(1)
        yield* storage.saveReply(yield* exit(sent))
        yield* Fiber.join(fiber)
        expect(replies).toStrictEqual([sent.envelope.requestId])
      })
    )

    test(
      "ends the wait of a handler that is unregistered",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        yield* storage.saveRequest(sent)
        const fiber = yield* Effect.fork(
          Effect.flip(storage.registerReplyHandler(withHandler(sent, () => Effect.void)))
        )
        yield* TestClock.adjust(1)
        yield* storage.unregisterReplyHandler(sent.envelope.requestId)
        expect((yield* Fiber.join(fiber))._tag).toBe("EntityNotAssignedToRunner")
      })
    )

    test(
      "returns requests by their ids, until they end",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        const others = [yield* request({ n: 2 }), yield* request({ n: 3 })]
        for (const each of [sent, ...others]) yield* storage.saveRequest(each)
        const byId = storage.unprocessedMessagesById([sent.envelope.requestId])
        expect(shortly(yield* byId)).toStrictEqual([1])
        expect(shortly(yield* byId)).toStrictEqual([1])
        yield* storage.saveReply(yield* exit(sent))
        expect(yield* byId).toStrictEqual([])
        const ids = others.map(({ envelope }) => envelope.requestId).reverse()
        expect(shortly(yield* storage.unprocessedMessagesById(ids))).toStrictEqual([2, 3])
      })
    )

    test(
      "returns requests when their time has come",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        yield* storage.saveRequest(yield* request({ deliverAt: 1000 }))
        yield* TestClock.adjust(999)
        expect(yield* storage.unprocessedMessages([shard(1)])).toStrictEqual([])
        yield* TestClock.adjust(1)
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual(["Later"])
      })
    )

    test(
      "returns interruptions",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request()
        yield* storage.saveRequest(sent)
        yield* storage.saveEnvelope(yield* interrupt(sent))
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([1, "Interrupt"])
      })
    )

    test(
      "returns a request again whose replies were cleared",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const sent = yield* request({ rpc: Once })
        yield* storage.saveRequest(sent)
        yield* storage.unprocessedMessages([shard(1)])
        yield* storage.saveReply(yield* exit(sent))
        yield* storage.clearReplies(sent.envelope.requestId)
        expect(yield* storage.repliesFor([sent])).toStrictEqual([])
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([1])
        yield* storage.saveReply(yield* exit(sent))
        expect(yield* storage.repliesFor([sent])).toHaveLength(1)
      })
    )

    test(
      "forgets the requests to an entity",
      Effect.gen(function* () {
        const storage = yield* MessageStorage.MessageStorage
        const gone = yield* request({ n: 1, rpc: Add })
        const stays = yield* request({ n: 2, entity: "b" })
        yield* storage.saveRequest(gone)
        yield* storage.saveRequest(stays)
        yield* storage.clearAddress(gone.envelope.address)
        expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([2])
        yield* storage.saveReply(yield* exit(gone))
        expect(yield* storage.repliesFor([gone])).toStrictEqual([])
      })
    )
  })
}
