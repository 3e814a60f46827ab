import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Keyspace, LsmStore } from "effect-lsm"
import * as LsmKeyValueStore from "effect-lsm/KeyValueStore"
import * as LsmPersistedQueue from "effect-lsm/PersistedQueue"
import * as LsmPersistence from "effect-lsm/Persistence"
import * as LsmRateLimiter from "effect-lsm/RateLimiter"
import { adapterRange } from "../../src/core/adapters/reservations.js"
import { calls } from "../support/adapters/keyValueStore.js"
import { open as openQueue } from "../support/adapters/persistedQueue.js"
import { open as openPersistence } from "../support/adapters/persistence.js"
import { limiter } from "../support/adapters/rateLimiter.js"

const Rows = Keyspace.make({ name: "rows", key: Schema.String, value: Schema.String })

const adapters = Layer.mergeAll(
  LsmKeyValueStore.layer(),
  LsmPersistence.layer(),
  LsmPersistedQueue.layerFactory(),
  LsmRateLimiter.layer()
)

it.scoped("the adapters, keyspaces and plain keys share a store, each in its own range", () =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    yield* store.put("plain", "1")
    const rows = yield* Keyspace.open(Rows)
    yield* rows.put("a", "1")
    const kv = yield* calls
    yield* kv.set("a", "1")
    const persistence = yield* openPersistence("a")
    yield* persistence.set("a", { n: 1 })
    const queue = yield* openQueue("a")
    yield* queue.offer(1, "id")
    const take = yield* limiter
    yield* take({ key: "a", limit: 5, window: 1000 })

    const counts = yield* Effect.forEach(["kv", "persistence", "queue", "rate"] as const, (adapter) =>
      store.count(adapterRange(adapter))
    )
    expect(counts).toEqual([1, 1, 2, 1])
    expect(yield* Keyspace.names).toEqual(["rows"])
    expect(yield* store.count({ end: Uint8Array.of(0xff) })).toBe(1)
    yield* kv.clear
    yield* persistence.clear
    yield* Keyspace.drop("rows")
    expect(yield* queue.take((n) => Effect.succeed(n))).toBe(1)
    expect(yield* store.has("plain")).toBe(true)
  }).pipe(Effect.provide(adapters), Effect.provide(LsmStore.layerMemory()))
)
