import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as ClusterStorage from "@effect/cluster/MessageStorage"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Runners from "@effect/cluster/Runners"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LsmStore } from "effect-lsm"
import * as SingleRunner from "effect-lsm/SingleRunner"
import { disk, memory, type Place } from "../support/places.js"
import { advanceUntil, inTime } from "./clock.js"
import { answer, config, isSuspended, testWorkflows } from "./workflowSuite.js"
import * as Flows from "./workflows.js"

const inMemory = Sharding.layer.pipe(
  Layer.provideMerge(Runners.layerNoop),
  Layer.provideMerge(ClusterStorage.layerMemory),
  Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(ShardingConfig.layer(config))
)

const runner = SingleRunner.layer({ shardingConfig: config })

testWorkflows("in the cluster's own memory", Layer.provideMerge(ClusterWorkflowEngine.layer, inMemory))
testWorkflows(
  "on a store in memory",
  ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(runner), Layer.provide(LsmStore.layerMemory()))
)
testWorkflows(
  "on a store on disk",
  Layer.unwrapScoped(
    Effect.map(disk, (place) =>
      ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(runner), Layer.provide(place.open()))
    )
  )
)

const open = (place: Place, log: Array<string>) =>
  Flows.layer.pipe(
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(runner),
    Layer.provideMerge(Layer.succeed(Flows.Log, log)),
    Layer.provide(place.open())
  )

for (const [title, place] of [
  ["memory", memory],
  ["disk", disk]
] as const)
  describe(`opened again, ${title}`, () => {
    it.scoped("goes on with a workflow, and does not repeat what was recorded", () =>
      Effect.gen(function* () {
        const at = yield* place
        const log: Array<string> = []
        const executionId = yield* Effect.provide(
          Effect.gen(function* () {
            const id = yield* inTime(Flows.Asks.execute({ id: "one" }, { discard: true }))
            yield* inTime(Flows.Sleeps.execute({ id: "one" }, { discard: true }))
            yield* isSuspended(Flows.Asks, id)
            yield* advanceUntil(Effect.sync(() => log.includes("before")))
            return id
          }),
          open(at, log)
        )
        yield* Effect.provide(
          Effect.gen(function* () {
            yield* inTime(answer(Flows.Asks, executionId, "later"))
            expect(yield* inTime(Flows.Asks.execute({ id: "one" }))).toBe("later")
            expect(yield* inTime(Flows.Sleeps.execute({ id: "one" }))).toBe("after")
          }),
          open(at, log)
        )
        const asked = yield* Effect.provide(inTime(Flows.Asks.execute({ id: "one" })), open(at, log))
        expect(asked).toBe("later")
        expect([...log].sort()).toStrictEqual(["after", "asked", "before"])
      })
    )
  })
