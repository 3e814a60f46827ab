import { describe, expect, it } from "@effect/vitest"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { LsmStore } from "effect-lsm"
import * as Messages from "effect-lsm/MessageStorage"
import { addressOf, Count, chunk, exit, request, shard, shortly } from "./clusterMessages.js"

type Services = MessageStorage.MessageStorage | Snowflake.Generator

const layer = Layer.merge(Layer.provide(Messages.layer(), LsmStore.layerMemory()), Snowflake.layerGenerator)

const test = (title: string, program: Effect.Effect<void, unknown, Services | Scope.Scope>) =>
  it.effect(title, () => Effect.provide(program, layer))

const save = (n: number) =>
  Effect.gen(function* () {
    const sent = yield* request({ n, entity: String(n) })
    yield* (yield* MessageStorage.MessageStorage).saveRequest(sent)
    return sent
  })

describe("reads", () => {
  test(
    "claim no more than their limit",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const ended = yield* save(0)
      for (const n of [1, 2, 3, 4, 5]) yield* save(n)
      yield* storage.saveReply(yield* exit(ended))
      expect(shortly(yield* storage.unprocessedMessages([shard(1)], { limit: 3 }))).toStrictEqual([1, 2, 3])
      expect(shortly(yield* storage.unprocessedMessages([shard(1)], { limit: 0 }))).toStrictEqual([])
      expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([4, 5])
    })
  )

  test(
    "with a limit go on behind what waits for an acknowledgement",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const streams = [yield* request({ rpc: Count, n: 7 }), yield* request({ rpc: Count, n: 8 })]
      for (const sent of streams) {
        yield* storage.saveRequest(sent)
        yield* storage.saveReply(yield* chunk(sent, 0))
      }
      for (const n of [1, 2, 3]) yield* save(n)
      expect(shortly(yield* storage.unprocessedMessages([shard(1)], { limit: 2 }))).toStrictEqual([1, 2])
    })
  )

  test(
    "return what is for the addresses that are asked for",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      for (const n of [1, 2, 3, 4]) yield* save(n)
      const read = (...entities: ReadonlyArray<string>) =>
        Effect.map(
          storage.unprocessedMessages([shard(1), shard(2)], {
            addresses: entities.map((entity) => addressOf({ entity }))
          }),
          shortly
        )
      expect(yield* read()).toStrictEqual([])
      expect(yield* read("4", "2")).toStrictEqual([2, 4])
      const elsewhere = { addresses: [addressOf({ entity: "1", shard: 2 })] }
      expect(yield* storage.unprocessedMessages([shard(1), shard(2)], elsewhere)).toStrictEqual([])
      expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([1, 3])
    })
  )

  test(
    "return again what was reset",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const sent = [yield* save(1), yield* save(2), yield* save(3), yield* save(4)]
      yield* storage.unprocessedMessages([shard(1)])
      yield* storage.resetAddresses([addressOf({ entity: "1" }), addressOf({ entity: "3" })])
      yield* storage.resetAddresses([])
      expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([1, 3])
      yield* storage.resetRequests([sent[1]!.envelope.requestId])
      expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([2])
    })
  )
})

describe("replies", () => {
  test(
    "are cleared if the last one is the expected one",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const sent = yield* save(1)
      const { reply } = yield* Effect.tap(exit(sent), (saved) => storage.saveReply(saved))
      const { requestId } = sent.envelope
      yield* storage.clearReplies(requestId, { expectedReplyId: requestId })
      expect(yield* storage.repliesFor([sent])).toHaveLength(1)
      yield* storage.clearReplies(requestId, { expectedReplyId: reply.id })
      expect(yield* storage.repliesFor([sent])).toHaveLength(0)
      yield* storage.clearReplies(requestId, { expectedReplyId: reply.id })
      expect(shortly(yield* storage.unprocessedMessages([shard(1)]))).toStrictEqual([1])
    })
  )
})

describe("a transaction", () => {
  test(
    "saves exits together when the outermost one has succeeded",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const sent = [yield* save(1), yield* save(2)] as const
      const saveExit = (i: 0 | 1) => Effect.flatMap(exit(sent[i]), storage.saveReply)
      const saved = Effect.map(storage.repliesFor(sent), (replies) => replies.length)
      yield* storage.withTransaction(
        Effect.gen(function* () {
          yield* saveExit(0)
          yield* storage.withTransaction(saveExit(1))
          expect(yield* saved).toBe(0)
        })
      )
      expect(yield* saved).toBe(2)
    })
  )

  test(
    "that fails saves none, and fails as what it ran",
    Effect.gen(function* () {
      const storage = yield* MessageStorage.MessageStorage
      const sent = yield* save(1)
      const failing = Effect.andThen(Effect.flatMap(exit(sent), storage.saveReply), Effect.fail("no"))
      expect(yield* Effect.flip(storage.withTransaction(failing))).toBe("no")
      yield* storage.withTransaction(Effect.ignore(storage.withTransaction(failing)))
      expect(yield* storage.repliesFor([sent])).toStrictEqual([])
      yield* storage.saveReply(yield* exit(sent))
      expect(yield* storage.repliesFor([sent])).toHaveLength(1)
    })
  )
})
