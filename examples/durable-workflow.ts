// Shows a durable workflow and a queue of jobs on one store, without a server. Kill it at any moment and start it again: it goes on.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/durable-workflow.ts
import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ClusterSchema, ClusterWorkflowEngine, Entity } from "@effect/cluster"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Rpc } from "@effect/rpc"
import { Activity, Workflow } from "@effect/workflow"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { LsmStore } from "effect-lsm"
import * as SingleRunner from "effect-lsm/SingleRunner"

// The queue: messages to an entity. `Persisted` keeps them in the store until the handler has replied. The primary key keeps one
// job from being queued twice.
const Letter = { order: Schema.Number, receipt: Schema.String }
const Mailer = Entity.make("Mailer", [
  Rpc.make("Send", { payload: Letter, success: Schema.String, primaryKey: ({ order }) => `letter ${order}` }).annotate(
    ClusterSchema.Persisted,
    true
  )
])

const MailerLive = Mailer.toLayer(
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    return {
      // A job runs at least once: if the process dies before the reply is saved, it runs again. Writing the same key twice is harmless.
      Send: ({ payload: { order, receipt } }) =>
        Effect.gen(function* () {
          yield* store.put(`letter:${order}`, receipt)
          return `letter about ${receipt}`
        }).pipe(Effect.orDie)
    }
  })
)

// The workflow: three activities. The result of each is saved when it has ended, and not made again after that.
const Order = Workflow.make({
  name: "Order",
  payload: { order: Schema.Number },
  success: Schema.String,
  idempotencyKey: ({ order }) => String(order)
})

const OrderLive = Order.toLayer(({ order }) =>
  Effect.gen(function* () {
    const place = yield* Activity.make({
      name: "reserve",
      success: Schema.String,
      execute: Effect.succeed(`shelf ${order % 7}`)
    })
    // Slow, so that it is often what is interrupted. A receipt that was recorded is the receipt for good.
    const receipt = yield* Activity.make({
      name: "charge",
      success: Schema.String,
      execute: Effect.delay(
        Effect.sync(() => randomUUID()),
        "200 millis"
      )
    })
    yield* Activity.make({
      name: "queue a letter",
      execute: Effect.gen(function* () {
        const mailer = yield* Mailer.client
        yield* mailer("letters").Send({ order, receipt }, { discard: true })
      }).pipe(Effect.orDie)
    })
    return `${receipt} from ${place}`
  })
)

const program = Effect.gen(function* () {
  const count = yield* Config.withDefault(Config.integer("ORDERS"), 5)
  const mailer = yield* Mailer.client
  yield* Console.log("started")
  const orders = Array.from({ length: count }, (_, i) => i + 1)
  const run = (order: number) =>
    Effect.gen(function* () {
      const result = yield* Order.execute({ order })
      yield* Console.log(`order ${order}: ${result}`)
      // The job was queued by the workflow. Sending it again only waits for its reply.
      const letter = yield* mailer("letters").Send({ order, receipt: "" })
      yield* Console.log(`job ${order}: ${letter}`)
    })
  yield* Effect.forEach(orders, run, { concurrency: 20, discard: true })
  yield* Console.log(`finished ${count} orders`)
})

const Store = Layer.unwrapEffect(
  Effect.map(
    Config.withDefault(Config.string("DIRECTORY"), join(tmpdir(), "effect-lsm-durable-workflow")),
    (directory) => LsmStore.layer({ directory })
  )
)

const Main = Layer.merge(OrderLive, MailerLive).pipe(
  Layer.provideMerge(ClusterWorkflowEngine.layer),
  Layer.provideMerge(SingleRunner.layer({ shardingConfig: { shardsPerGroup: 30, entityTerminationTimeout: 0 } })),
  Layer.provideMerge(Store)
)

program.pipe(Effect.provide(Main), NodeRuntime.runMain)
