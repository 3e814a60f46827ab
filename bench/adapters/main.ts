/**
 * Measures the adapters beside other backends of the same interfaces: operations in a second, the median
 * of several rounds. Contenders alternate. Build first: `npm --prefix bench run adapters` does.
 */
import { existsSync } from "node:fs"
import { register } from "node:module"
import { fileURLToPath } from "node:url"
import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import * as Persistence from "@effect/experimental/Persistence"
import * as RateLimiter from "@effect/experimental/RateLimiter"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as SqlPersistedQueue from "@effect/sql/SqlPersistedQueue"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as LsmKeyValueStore from "effect-lsm/KeyValueStore"
import * as LsmPersistedQueue from "effect-lsm/PersistedQueue"
import * as LsmPersistence from "effect-lsm/Persistence"
import * as LsmRateLimiter from "effect-lsm/RateLimiter"
import { type Contender, compare, each, fibers, ours, text, together } from "./compare.js"
import { compareMessages } from "./messages.js"
import { sqlite } from "./sqlite.js"

const value = { name: "Ada", text }

const kv = Effect.serviceFunctionEffect
const set = kv(KeyValueStore.KeyValueStore, ({ set }) => set)
const get = kv(KeyValueStore.KeyValueStore, ({ get }) => get)
const modify = kv(KeyValueStore.KeyValueStore, ({ modify }) => modify)
const setAll = (keys: ReadonlyArray<string>) => together(keys, (key) => set(key, text))

await compare<KeyValueStore.KeyValueStore>(
  "KeyValueStore",
  [
    { name: "set", measured: (keys) => each(keys, (key) => set(key, text)) },
    { name: `set by ${fibers} fibers`, measured: setAll },
    { name: "get", before: setAll, measured: (keys) => each(keys, get) },
    { name: "modify", before: setAll, measured: (keys) => each(keys, (key) => modify(key, (value) => value)) }
  ],
  [
    ours("buffered", (durability) => LsmKeyValueStore.layer({ durability })),
    ours("sync", (durability) => LsmKeyValueStore.layer({ durability })),
    {
      name: "files, not synced",
      pair: "effect-lsm, buffered",
      layer: (directory) => Layer.provide(KeyValueStore.layerFileSystem(directory), NodeContext.layer)
    },
    { name: "memory layer", layer: () => KeyValueStore.layerMemory }
  ]
)

/** The package finds lmdb only beside itself; here it is among the packages of the benchmark. */
const lmdb = async (): Promise<ReadonlyArray<Contender<Persistence.BackingPersistence>>> => {
  if (!existsSync(fileURLToPath(new URL("../node_modules/lmdb", import.meta.url)))) return []
  const hook = `export const resolve = (name, context, next) =>
    next(name, name === "lmdb" ? { ...context, parentURL: ${JSON.stringify(import.meta.url)} } : context)`
  register(`data:text/javascript,${encodeURIComponent(hook)}`)
  const Lmdb = await import("@effect/experimental/Persistence/Lmdb")
  return [
    { name: "LMDB, synced", pair: "effect-lsm, sync", part: 0.1, layer: (directory) => Lmdb.layer({ path: directory }) }
  ]
}

const persistence = Effect.flatMap(Persistence.BackingPersistence, (backing) => backing.make("bench"))
const forGood = Option.none()
const persisted = (f: (store: Persistence.BackingPersistenceStore) => Effect.Effect<unknown, unknown>) =>
  Effect.scoped(Effect.flatMap(persistence, f))
const hundreds = (keys: ReadonlyArray<string>) =>
  Array.from({ length: Math.ceil(keys.length / 100) }, (_, i) => keys.slice(100 * i, 100 * i + 100))
const persistAll = (keys: ReadonlyArray<string>) =>
  persisted((store) => together(keys, (key) => store.set(key, value, forGood)))

await compare<Persistence.BackingPersistence>(
  "BackingPersistence",
  [
    { name: "set", measured: (keys) => persisted((store) => each(keys, (key) => store.set(key, value, forGood))) },
    { name: `set by ${fibers} fibers`, measured: persistAll },
    { name: "get", before: persistAll, measured: (keys) => persisted((store) => each(keys, store.get)) },
    {
      name: "get, by a hundred",
      before: persistAll,
      measured: (keys) =>
        persisted((store) => Effect.forEach(hundreds(keys), (some) => store.getMany(some), { discard: true }))
    }
  ],
  [
    ours("buffered", (durability) => LsmPersistence.layer({ durability })),
    ours("sync", (durability) => LsmPersistence.layer({ durability })),
    ...(await lmdb()),
    { name: "memory layer", layer: () => Persistence.layerMemory }
  ]
)

const queue = PersistedQueue.make({ name: "bench", schema: Schema.String })

await compare<PersistedQueue.PersistedQueueFactory>(
  "PersistedQueue",
  [
    {
      name: "offer and take",
      measured: (keys) =>
        Effect.flatMap(queue, (queue) =>
          each(keys, (key) =>
            Effect.zipRight(
              queue.offer(key),
              queue.take(() => Effect.void)
            )
          )
        )
    },
    {
      name: "take what was offered",
      before: (keys) => Effect.flatMap(queue, (queue) => together(keys, (key) => queue.offer(key))),
      measured: (keys) => Effect.flatMap(queue, (queue) => each(keys, () => queue.take(() => Effect.void)))
    }
  ],
  [
    ours("buffered", (durability) => LsmPersistedQueue.layerFactory({ durability })),
    ours("sync", (durability) => LsmPersistedQueue.layerFactory({ durability })),
    ...sqlite((client) =>
      PersistedQueue.layer.pipe(
        Layer.provide(SqlPersistedQueue.layerStore({ pollInterval: "1 millis" })),
        Layer.provide(client)
      )
    ),
    { name: "memory layer", layer: () => Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreMemory) }
  ]
)

const limit = { tokens: 1, limit: 1_000_000, refillRate: Duration.millis(1) }

await compare<RateLimiter.RateLimiterStore>(
  "RateLimiterStore",
  [
    {
      name: "fixedWindow, a thousand keys",
      measured: (keys) =>
        Effect.flatMap(RateLimiter.RateLimiterStore, (store) =>
          Effect.forEach(keys, (_, i) => store.fixedWindow({ key: `key:${i % 1000}`, ...limit }), { discard: true })
        )
    },
    {
      name: "tokenBucket, one key",
      measured: (keys) =>
        Effect.flatMap(RateLimiter.RateLimiterStore, (store) =>
          each(keys, () => store.tokenBucket({ key: "key", ...limit, allowOverflow: false }))
        )
    }
  ],
  [
    ours("buffered", (durability) => LsmRateLimiter.layer({ durability })),
    { name: "memory layer", layer: () => RateLimiter.layerStoreMemory }
  ]
)

await compareMessages()
