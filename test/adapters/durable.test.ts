import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import * as RateLimiter from "@effect/experimental/RateLimiter"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as Durable from "effect-lsm/Durable"
import * as DurableCluster from "effect-lsm/DurableCluster"
import * as Testing from "effect-lsm/testing"
import { adapterRange } from "../../src/core/adapters/reservations.js"
import { open as openJournal } from "../support/adapters/eventJournal.js"
import { makeRemoteId } from "../support/adapters/journalForm.js"
import { calls } from "../support/adapters/keyValueStore.js"
import { open as openQueue } from "../support/adapters/persistedQueue.js"
import { open as openPersistence } from "../support/adapters/persistence.js"
import { limiter } from "../support/adapters/rateLimiter.js"
import { captureLogs } from "../support/captureLogs.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { advanceUntil, inTime } from "./clock.js"
import { answer, config, isSuspended } from "./workflowSuite.js"
import * as Flows from "./workflows.js"

const remote = makeRemoteId()
const limit = { key: "a", limit: 3, window: 60_000 }

/** Keeps something by each adapter. */
const keep = Effect.gen(function* () {
  yield* (yield* OrderedStore.OrderedStore).put("plain", "1")
  yield* (yield* calls).set("a", "1")
  yield* (yield* openPersistence("a")).set("a", { n: 1 })
  const queue = yield* openQueue("a")
  yield* queue.offer(1, "one")
  yield* queue.offer(2, "two")
  yield* queue.take((n) => Effect.succeed(n))
  const take = yield* limiter
  for (let i = 0; i < 2; i++) yield* take(limit)
  const journal = yield* openJournal
  yield* journal.note("1")
  yield* journal.upload(remote)
  yield* journal.note("2")
})

/** Finds it again. */
const expectKept = Effect.gen(function* () {
  expect(yield* (yield* OrderedStore.OrderedStore).has("plain")).toBe(true)
  expect(yield* (yield* calls).get("a")).toBe("1")
  expect(yield* (yield* openPersistence("a")).get("a")).toEqual({ n: 1 })
  const queue = yield* openQueue("a")
  yield* queue.offer(3, "one")
  expect(yield* queue.take((n) => Effect.succeed(n))).toBe(2)
  const take = yield* limiter
  expect(yield* take(limit)).toMatchObject({ remaining: 0 })
  expect(yield* take(limit)).toEqual({ retryAfter: limit.window })
  const journal = yield* openJournal
  expect(yield* journal.texts).toEqual(["1", "2"])
  expect(yield* journal.upload(remote)).toEqual(["2"])
})

describe("Durable", () => {
  it.scoped("gives every adapter on one store, which has all of it when it is opened again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const layer = () => Durable.layer({ directory, adapters: { durability: "sync" } })
      yield* Effect.provide(keep, layer())
      yield* Effect.provide(expectKept, layer())
    })
  )

  it.scoped("keeps what was acknowledged when the power goes", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine({ seed: 5 })
      const adapters = Durable.layerAdapters({ durability: "sync" })
      yield* Effect.zipRight(keep, machine.powerCut({ kept: "nothing" })).pipe(
        Effect.provide(adapters),
        Effect.provide(machine.layer())
      )
      yield* expectKept.pipe(
        Effect.provide(Durable.layerAdapters({ durability: "sync" })),
        Effect.provide(machine.layer())
      )
    }).pipe(Effect.provide(captureLogs().layer))
  )

  it.scoped("gives the stores of the interfaces and what stands on them, under the same name", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const queues = yield* PersistedQueue.PersistedQueueStore
      yield* queues.offer({ name: "a", id: "one", element: { n: "1" }, isCustomId: true })
      expect(yield* (yield* openQueue("a")).take((n) => Effect.succeed(n))).toBe(1)
      yield* (yield* KeyValueStore.KeyValueStore).set("a", "1")
      yield* RateLimiter.RateLimiter
      expect(yield* store.count(adapterRange("queue", "all"))).toBeGreaterThan(0)
      expect(yield* store.count(adapterRange("kv", "all"))).toBe(0)
      expect(yield* store.count(adapterRange("kv", "own"))).toBe(1)
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          Durable.layerAdapters({ name: "all", keyValueStore: { name: "own" } }),
          LsmStore.layerMemory()
        )
      )
    )
  )

  it.scoped("refuses what its parts refuse", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const build = (options: Durable.Options) => Effect.flip(Effect.scoped(Layer.build(Durable.layer(options))))
      expect(yield* build({ directory, adapters: { name: "" } })).toMatchObject({ _tag: "InvalidArgument" })
      expect(yield* build({ directory, adapters: { queues: { name: "\ud800" } } })).toMatchObject({
        _tag: "InvalidArgument",
        argument: "name"
      })
      expect(yield* build({ directory, memtableBytes: -1 } as Durable.Options)).toMatchObject({
        _tag: "InvalidArgument"
      })
      yield* Layer.build(Durable.layer({ directory }))
      expect(yield* build({ directory })).toMatchObject({ _tag: "StoreLocked" })
    })
  )
})

describe("DurableCluster", () => {
  it.scoped("gives the adapters and workflows on one store, and goes on when it is opened again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const log: Array<string> = []
      const open = () =>
        Flows.layer.pipe(
          Layer.provideMerge(DurableCluster.layer({ directory, adapters: { cluster: { shardingConfig: config } } })),
          Layer.provideMerge(Layer.succeed(Flows.Log, log))
        )
      const executionId = yield* Effect.gen(function* () {
        yield* keep
        const id = yield* inTime(Flows.Asks.execute({ id: "one" }, { discard: true }))
        yield* isSuspended(Flows.Asks, id)
        yield* advanceUntil(Effect.sync(() => log.includes("asked")))
        return id
      }).pipe(Effect.provide(open()))
      yield* Effect.gen(function* () {
        yield* inTime(answer(Flows.Asks, executionId, "later"))
        expect(yield* inTime(Flows.Asks.execute({ id: "one" }))).toBe("later")
        expect(yield* (yield* openJournal).texts).toEqual(["1", "2"])
        expect(yield* (yield* calls).get("a")).toBe("1")
      }).pipe(Effect.provide(open()))
      expect(log).toEqual(["asked"])
    })
  )
})
