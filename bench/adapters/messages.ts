/** Compares the messages of a cluster: requests that are saved, and the replies that end them. */
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LsmMessageStorage from "effect-lsm/MessageStorage"
import { exit, request } from "../../test/adapters/clusterMessages.js"
import { compare, each, fibers, ours, together } from "./compare.js"
import { sqlite } from "./sqlite.js"

type Services = MessageStorage.MessageStorage | Snowflake.Generator

const roundTrip = Effect.gen(function* () {
  const storage = yield* MessageStorage.MessageStorage
  const sent = yield* request()
  yield* storage.saveRequest(sent)
  yield* storage.saveReply(yield* exit(sent))
})

const withIds = <E>(layer: Layer.Layer<MessageStorage.MessageStorage, E>) =>
  Layer.merge(layer, Snowflake.layerGenerator)

export const compareMessages = () =>
  compare<Services>(
    "MessageStorage",
    [
      { name: "request and reply", measured: (keys) => each(keys, () => roundTrip) },
      { name: `request and reply by ${fibers} fibers`, measured: (keys) => together(keys, () => roundTrip) }
    ],
    [
      ours("buffered", () => Layer.merge(LsmMessageStorage.layer(), Snowflake.layerGenerator)),
      ours("sync", () => Layer.merge(LsmMessageStorage.layer(), Snowflake.layerGenerator)),
      ...sqlite((client) =>
        withIds(SqlMessageStorage.layer.pipe(Layer.provide(client), Layer.provide(ShardingConfig.layerDefaults)))
      ),
      {
        name: "memory layer",
        layer: () => withIds(Layer.provide(MessageStorage.layerMemory, ShardingConfig.layerDefaults))
      }
    ]
  )
