/**
 * Measures the adapters beside other backends of the same interfaces: operations in a second, the median
 * of several rounds. Contenders alternate. Build first: `npm --prefix bench run adapters` does.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { register } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import * as Persistence from "@effect/experimental/Persistence"
import * as RateLimiter from "@effect/experimental/RateLimiter"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as LsmKeyValueStore from "effect-lsm/KeyValueStore"
import type { Durability } from "effect-lsm/LsmOptions"
import * as LsmStore from "effect-lsm/LsmStore"
import type { OrderedStore } from "effect-lsm/OrderedStore"
import * as LsmPersistedQueue from "effect-lsm/PersistedQueue"
import * as LsmPersistence from "effect-lsm/Persistence"
import * as LsmRateLimiter from "effect-lsm/RateLimiter"
import { spread } from "./lib/statistics.js"

const rounds = 5
const fibers = 64
const count = process.argv.includes("--quick") ? 1000 : 10_000
const keys = Array.from({ length: count }, (_, i) => `key:${(i * 7919) % count}`)
const text = "v".repeat(100)
const value = { name: "Ada", text }

/** The operations of a round, and what they are done with. */
interface Contender<Service> {
  readonly name: string
  readonly layer: (directory: string) => Layer.Layer<Service, unknown>
  /** The part of the operations that is done, for the slow ones. */
  readonly part?: number
}

interface Row<Service> {
  readonly name: string
  /** Done before the time is taken. */
  readonly before?: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, Service>
  readonly measured: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, Service>
}

const each = <R>(keys: ReadonlyArray<string>, f: (key: string) => Effect.Effect<unknown, unknown, R>) =>
  Effect.forEach(keys, f, { discard: true })
const together = <R>(keys: ReadonlyArray<string>, f: (key: string) => Effect.Effect<unknown, unknown, R>) =>
  Effect.forEach(keys, f, { discard: true, concurrency: fibers })

const ours = <Service>(
  durability: Durability,
  layer: (durability: Durability) => Layer.Layer<Service, unknown, OrderedStore>
): Contender<Service> => ({
  name: `effect-lsm, ${durability}`,
  part: durability === "sync" ? 0.1 : 1,
  layer: (directory) => Layer.provide(layer(durability), LsmStore.layer({ directory, durability }))
})

const round = async <Service>(row: Row<Service>, { layer, part = 1 }: Contender<Service>): Promise<number> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-adapters-"))
  const some = keys.slice(0, Math.max(1, count * part))
  try {
    return await Effect.gen(function* () {
      if (row.before !== undefined) yield* row.before(some)
      const started = performance.now()
      yield* row.measured(some)
      return (some.length * 1000) / (performance.now() - started)
    }).pipe(Effect.provide(layer(join(directory, "data"))), Effect.runPromise)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const compare = async <Service>(
  title: string,
  rows: ReadonlyArray<Row<Service>>,
  contenders: ReadonlyArray<Contender<Service>>
): Promise<void> => {
  console.log(`\n${title}`)
  for (const row of rows) {
    const results = contenders.map((): Array<number> => [])
    for (let i = 0; i <= rounds; i++) {
      for (const [at, contender] of contenders.entries()) {
        const result = await round(row, contender)
        // The first round warms up.
        if (i > 0) results[at]!.push(result)
      }
    }
    const medians = results.map((all) => Math.round(spread(all).median).toLocaleString("en"))
    console.log(`  ${row.name}: ${contenders.map(({ name }, at) => `${name} ${medians[at]}`).join("; ")}`)
  }
}

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
      layer: (directory) => Layer.provide(KeyValueStore.layerFileSystem(directory), NodeContext.layer)
    },
    { name: "memory layer", layer: () => KeyValueStore.layerMemory }
  ]
)

/** The package finds lmdb only beside itself; here it is among the packages of the benchmark. */
const lmdb = async (): Promise<ReadonlyArray<Contender<Persistence.BackingPersistence>>> => {
  if (!existsSync(fileURLToPath(new URL("node_modules/lmdb", import.meta.url)))) return []
  const hook = `export const resolve = (name, context, next) =>
    next(name, name === "lmdb" ? { ...context, parentURL: ${JSON.stringify(import.meta.url)} } : context)`
  register(`data:text/javascript,${encodeURIComponent(hook)}`)
  const Lmdb = await import("@effect/experimental/Persistence/Lmdb")
  return [{ name: "LMDB, synced", part: 0.1, layer: (directory) => Lmdb.layer({ path: directory }) }]
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
