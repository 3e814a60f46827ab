import { Runner } from "@effect/cluster/Runner"
import { RunnerAddress } from "@effect/cluster/RunnerAddress"
import * as ClusterStorage from "@effect/cluster/RunnerStorage"
import * as ShardId from "@effect/cluster/ShardId"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LsmStore } from "effect-lsm"
import * as RunnerStorage from "effect-lsm/RunnerStorage"
import { disk, memory, type Place } from "../support/places.js"

const runner = (port: number) =>
  Runner.make({ address: RunnerAddress.make({ host: "localhost", port }), groups: ["default"], weight: 1 })

const [one, two] = [runner(1), runner(2)]
const shards = [1, 2, 3].map((id) => ShardId.make("default", id))
const idsOf = (acquired: ReadonlyArray<ShardId.ShardId>) => acquired.map(({ id }) => id)

/** What every `RunnerStorage` does, after the tests of those on SQL. */
const testRunners = <E>(name: string, layer: Layer.Layer<ClusterStorage.RunnerStorage, E>) =>
  describe(name, () => {
    it.effect("lists runners while they are registered", () =>
      Effect.gen(function* () {
        const storage = yield* ClusterStorage.RunnerStorage
        yield* storage.register(one, true)
        yield* storage.register(one, true)
        expect(yield* storage.getRunners).toStrictEqual([[one, true]])
        yield* storage.unregister(one.address)
        expect(yield* storage.getRunners).toStrictEqual([])
      }).pipe(Effect.provide(layer))
    )

    it.effect("gives shards to a runner that asks for them", () =>
      Effect.gen(function* () {
        const storage = yield* ClusterStorage.RunnerStorage
        expect(idsOf(yield* storage.acquire(one.address, shards))).toStrictEqual([1, 2, 3])
        expect(idsOf(yield* storage.acquire(one.address, shards))).toStrictEqual([1, 2, 3])
        expect(idsOf(yield* storage.refresh(one.address, shards))).toStrictEqual([1, 2, 3])
        yield* storage.release(one.address, shards[1]!)
      }).pipe(Effect.provide(layer))
    )
  })

testRunners("in the cluster's own memory", ClusterStorage.layerMemory)
testRunners("on a store in memory", Layer.provide(RunnerStorage.layer(), LsmStore.layerMemory()))
testRunners(
  "on a store on disk",
  Layer.unwrapScoped(Effect.map(disk, (place) => Layer.provide(RunnerStorage.layer(), place.open())))
)

const open = (place: Place) => Layer.provide(RunnerStorage.layer(), place.open())

describe("runners on a store", () => {
  it.scoped("have a health", () =>
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.RunnerStorage
      yield* storage.register(one, true)
      yield* storage.register(two, false)
      yield* storage.setRunnerHealth(one.address, false)
      yield* storage.setRunnerHealth(two.address, true)
      expect(yield* storage.getRunners).toStrictEqual([
        [one, false],
        [two, true]
      ])
      yield* storage.unregister(two.address)
      yield* storage.setRunnerHealth(two.address, true)
      expect(yield* storage.getRunners).toStrictEqual([[one, false]])
    }).pipe(Effect.provide(Layer.unwrapEffect(Effect.map(memory, open))))
  )

  it.scoped("have no shard together", () =>
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.RunnerStorage
      yield* storage.acquire(one.address, shards.slice(0, 2))
      expect(idsOf(yield* storage.acquire(two.address, shards))).toStrictEqual([3])
      expect(idsOf(yield* storage.refresh(two.address, shards))).toStrictEqual([3])
      yield* storage.release(two.address, shards[0]!)
      expect(idsOf(yield* storage.refresh(one.address, shards))).toStrictEqual([1, 2])
      yield* storage.release(one.address, shards[0]!)
      expect(idsOf(yield* storage.acquire(two.address, shards))).toStrictEqual([1, 3])
      yield* storage.releaseAll(two.address)
      expect(idsOf(yield* storage.acquire(one.address, shards))).toStrictEqual([1, 2, 3])
      expect(yield* storage.acquire(one.address, [])).toStrictEqual([])
    }).pipe(Effect.provide(Layer.unwrapEffect(Effect.map(memory, open))))
  )

  for (const [title, place] of [
    ["memory", memory],
    ["disk", disk]
  ] as const)
    it.scoped(`keep the ids of their machines when the store is opened again, ${title}`, () =>
      Effect.gen(function* () {
        const at = yield* place
        const ids = Effect.gen(function* () {
          const storage = yield* ClusterStorage.RunnerStorage
          expect(yield* storage.getRunners).toStrictEqual([])
          expect(yield* storage.acquire(two.address, shards)).toHaveLength(3)
          const registered = [yield* storage.register(two, true), yield* storage.register(one, true)]
          yield* storage.unregister(two.address)
          return [...registered, yield* storage.register(two, true), yield* storage.register(runner(3), true)]
        })
        expect(yield* Effect.provide(ids, open(at))).toStrictEqual([1, 2, 1, 3])
        expect(yield* Effect.provide(ids, open(at))).toStrictEqual([1, 2, 1, 3])
      })
    )

  it.scoped("get different ids if they register at once", () =>
    Effect.gen(function* () {
      const storage = yield* ClusterStorage.RunnerStorage
      const ports = Array.from({ length: 10 }, (_, i) => i + 1)
      const ids = yield* Effect.forEach(ports, (port) => storage.register(runner(port), true), {
        concurrency: "unbounded"
      })
      expect([...ids].map(Number).sort((a, b) => a - b)).toStrictEqual(ports)
    }).pipe(Effect.provide(Layer.unwrapEffect(Effect.map(memory, open))))
  )
})
