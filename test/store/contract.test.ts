import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as Conformance from "effect-lsm/Conformance"
import { quietly } from "../support/laboratory.js"
import * as places from "../support/places.js"

type Service = OrderedStore.OrderedStoreService

const opened = (place: Effect.Effect<places.Place>, tuning: Parameters<places.Place["open"]>[0]) =>
  Layer.unwrapEffect(Effect.map(place, ({ open }) => open(tuning)))

const changeRetention = { bytes: 1_000_000 }
const tiny = {
  changeRetention,
  memtableBytes: 1,
  tableBytes: 1,
  blockBytes: 1,
  level0Tables: 1,
  level1Bytes: 1,
  valueThreshold: 1
}

const engines = {
  "the store in memory": LsmStore.layerMemory(),
  "the store on disk": Layer.unwrapScoped(Effect.map(places.disk, ({ open }) => open())),
  "a store with a thread": opened(places.memoryWithThread, { changeRetention, memtableBytes: 2_000 }),
  "a store of many tiny files": opened(places.memory, tiny),
  "a buffered store": LsmStore.layerMemory({ durability: "buffered" })
}

for (const [name, layer] of Object.entries(engines)) {
  describe(`${name} conforms to the contract: it`, () => {
    for (const { name: title, test } of Conformance.tests(layer)) it.live(title, () => quietly(test))
  })
}

/** Faults of an engine. The suite must show each. */
const faults: Record<string, (store: Service) => Partial<Service>> = {
  "deletes are forgotten": () => ({ delete: () => Effect.void }),
  "deletes of ranges are forgotten": () => ({ deleteRange: () => Effect.void }),
  "ranges are deleted with their ends": (store) => ({
    deleteRange: (range) => store.deleteRange(range.end === undefined ? range : { ...range, end: `${range.end}\0` })
  }),
  "lone surrogates are replaced": (store) => ({
    put: (key, value, options) =>
      store.put(
        typeof key === "string" ? Buffer.from(key) : key,
        typeof value === "string" ? Buffer.from(value) : value,
        options
      )
  }),
  "scans ignore their end": (store) => ({
    scan: (options) => store.scan({ ...options, end: undefined }),
    collect: (options) => store.collect({ ...options, end: undefined })
  }),
  "a limit counts from the other end": (store) => ({
    collect: (options) =>
      Effect.map(store.collect({ ...options, limit: undefined }), (all) => all.slice(-(options?.limit ?? 1e9)))
  }),
  "a reversed scan is not reversed": (store) => ({ scan: (options) => store.scan({ ...options, reverse: false }) }),
  "counts are estimates": (store) => ({ count: (range) => Effect.map(store.count(range), (n) => n + (n > 3 ? 1 : 0)) }),
  "many values come sorted": (store) => ({
    getMany: (keys, options) => store.getMany([...keys].sort(), options)
  }),
  "batches are written twice": (store) => ({
    write: (batch, options) =>
      Effect.zipRight(store.write(batch, options), batch.size > 2 ? store.write(batch, options) : Effect.void)
  }),
  "checks are not made": (store) => ({
    write: (batch, options) => Effect.catchTag(store.write(batch, options), "Conflict", () => Effect.void)
  }),
  "updates read first and write later": (store) => ({
    update: (key, f) =>
      Effect.gen(function* () {
        const next = f(yield* store.get(key))
        yield* Effect.yieldNow()
        if (next === null) yield* store.delete(key)
        else if (next !== undefined) yield* store.put(key, next)
        return yield* store.get(key)
      })
  }),
  "snapshots see later writes": (store) => ({
    snapshot: Effect.map(store.snapshot, (view) => ({ ...view, get: (key) => store.get(key) })),
    get: (key, _options) => store.get(key)
  }),
  "snapshots scan the present": (store) => ({
    snapshot: Effect.map(store.snapshot, (view) => ({ ...view, scan: (options) => store.scan(options) }))
  }),
  "transactions are written as they go": (store) => ({
    transact: (program, options) =>
      store.transact((tx) => program({ ...tx, identity: store.identity, put: store.put }), options)
  }),
  "transactions do not check ranges": (store) => ({
    transact: (program, options) =>
      store.transact((tx) => program({ ...tx, identity: store.identity, collect: store.collect }), options)
  }),
  "transactions do not check absent keys": (store) => ({
    transact: (program, options) =>
      store.transact(
        (tx) =>
          program({
            ...tx,
            identity: store.identity,
            get: (key) =>
              Effect.flatMap(store.get(key), (found) => (Option.isNone(found) ? Effect.succeed(found) : tx.get(key)))
          }),
        options
      )
  }),
  "the feed leaves out deletions": (store) => ({
    changes: (options) =>
      Stream.map(store.changes(options), (change) => ({
        ...change,
        operations: change.operations.filter(({ _tag }) => _tag !== "Delete")
      }))
  }),
  "the feed repeats the change at a position": (store) => ({
    changes: (options) =>
      store.changes({
        ...options,
        from: options?.from?.replace(/\d+$/, (digits) => String(Math.max(0, Number(digits) - 1)))
      })
  }),
  "positions are those of now": (store) => ({
    positionOf: () => Effect.scoped(Effect.flatMap(store.snapshot, store.positionOf))
  }),
  "watchers of a key see others": (store) => ({
    watch: (watched) => store.watch(watched.key === undefined ? watched : { prefix: watched.key })
  }),
  "limits are not kept": (store) => ({ limits: { ...store.limits, keyBytes: store.limits.keyBytes - 1 } })
}

describe("the suite shows that", () => {
  for (const [fault, patch] of Object.entries(faults)) {
    it.live(fault, () => {
      const faulty = Layer.scoped(
        OrderedStore.OrderedStore,
        Effect.map(LsmStore.makeMemory({ maxKeyBytes: 1000 }), (store): Service => ({ ...store, ...patch(store) }))
      )
      return Effect.gen(function* () {
        let shown = false
        for (const { test } of Conformance.tests(faulty)) {
          shown ||= Exit.isFailure(yield* Effect.exit(Effect.timeout(test, "3 seconds")))
          if (shown) break
        }
        expect(shown).toBe(true)
      })
    })
  }
})
