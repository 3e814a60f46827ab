import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { LsmStore, Manifest, Memtable, Metrics, SSTableStore, Storage, TableMerger, Wal } from "effect-lsm"

describe("a component", () => {
  it.scoped("can be replaced by another with the same interface", () =>
    Effect.gen(function* () {
      const options = { directory: "/memory" }
      const counted = { puts: 0, flushes: 0 }
      const metrics = Layer.effect(
        Metrics.Metrics,
        Effect.map(Metrics.make(options), (usual) => ({
          ...usual,
          puts: {
            value: 0,
            add: (n: number) => {
              counted.puts += n
            }
          },
          flushes: {
            value: 0,
            add: (n: number) => {
              counted.flushes += n
            }
          }
        }))
      )
      let frozen = 0
      const memtable = Layer.effect(
        Memtable.Memtable,
        Effect.map(Memtable.make(options), (usual) => ({
          ...usual,
          unsafeFreeze: (segment: number) => {
            frozen++
            usual.unsafeFreeze(segment)
          }
        }))
      )
      const components = LsmStore.layerComponents(options, { memtable, metrics }).pipe(
        Layer.provideMerge(Storage.layerMemory)
      )
      const context = yield* Layer.build(Layer.provide(LsmStore.layerFromComponents(options), components))
      const store = Context.get(context, LsmStore.LsmStore)
      yield* store.put("k", "v")
      yield* store.flush
      expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
      expect({ ...counted, frozen }).toStrictEqual({ puts: 1, flushes: 1, frozen: 1 })
    })
  )
})

describe("replaced components", () => {
  const options = { directory: "/memory" }

  type Open = (replacements: LsmStore.Replacements) => Layer.Layer<LsmStore.LsmStore, unknown, Storage.Storage>

  /** The two ways to open the same assembly. */
  const forms: Record<string, Open> = {
    "one layer": (replacements) => LsmStore.layerFromStorage(options, replacements),
    "component layers": (replacements) =>
      Layer.provide(LsmStore.layerFromComponents(options), LsmStore.layerComponents(options, replacements))
  }

  /** A storage that records when its lock is taken and released, and layers that do the same. */
  const makeWatched = Effect.gen(function* () {
    const events: Array<string> = []
    const usual = yield* Storage.makeMemory
    const watch = (name: string) =>
      Effect.acquireRelease(
        Effect.sync(() => events.push(`+${name}`)),
        () => Effect.sync(() => events.push(`-${name}`))
      )
    const watched = <Id, S, E, R>(tag: Context.Tag<Id, S>, make: Effect.Effect<S, E, R>) =>
      Layer.scoped(tag, Effect.zipRight(watch(tag.key.replace("effect-lsm/", "")), make))
    const storage = Layer.succeed(Storage.Storage, {
      ...usual,
      lock: (directory, mode) => Effect.zipRight(usual.lock(directory, mode), watch("lock"))
    })
    const replacements: LsmStore.Replacements = {
      metrics: watched(Metrics.Metrics, Metrics.make(options)),
      wal: watched(Wal.Wal, Wal.make(options)),
      memtable: watched(Memtable.Memtable, Memtable.make(options)),
      tables: watched(SSTableStore.SSTableStore, SSTableStore.make(options)),
      merger: watched(TableMerger.TableMerger, TableMerger.make)
    }
    return { events, storage, replacements, watched }
  })

  for (const [name, open] of Object.entries(forms)) {
    it.effect(`are made from the bottom up, and released in reverse order: ${name}`, () =>
      Effect.gen(function* () {
        const { events, storage, replacements } = yield* makeWatched
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(Layer.provide(open(replacements), storage), scope)
        yield* Context.get(context, LsmStore.LsmStore).put("k", "v")
        yield* Scope.close(scope, Exit.void)
        const made = ["Metrics", "lock", "Wal", "Memtable", "SSTableStore", "TableMerger"]
        expect(events).toStrictEqual([
          ...made.map((part) => `+${part}`),
          ...made.toReversed().map((part) => `-${part}`)
        ])
      })
    )

    it.effect(`are released if a later one fails: ${name}`, () =>
      Effect.gen(function* () {
        const { events, storage, replacements, watched } = yield* makeWatched
        const merger = watched(TableMerger.TableMerger, Effect.dieMessage("no merger"))
        const opening = Layer.build(Layer.provide(open({ ...replacements, merger }), storage))
        // The failed opening releases everything, and the scope has nothing left to release.
        const scope = yield* Scope.make()
        const exit = yield* Effect.exit(Scope.extend(opening, scope))
        expect(Exit.isFailure(exit)).toBe(true)
        const releases = events.filter((event) => event.startsWith("-"))
        expect(releases).toStrictEqual(["-TableMerger", "-SSTableStore", "-Memtable", "-Wal", "-lock", "-Metrics"])
        yield* Scope.close(scope, exit)
        expect(events).toHaveLength(12)
      })
    )
  }

  it.scoped("are built again for each store", () =>
    Effect.gen(function* () {
      const { events, replacements } = yield* makeWatched
      const { memtable } = replacements
      const store = (name: string) =>
        LsmStore.makeFromStorage({ directory: `/${name}` }, { memtable }).pipe(
          Effect.provideServiceEffect(Storage.Storage, Storage.makeMemory)
        )
      const [one, other] = [yield* store("one"), yield* store("other")]
      yield* one.put("k", "v")
      expect(yield* other.has("k")).toBe(false)
      expect(events).toStrictEqual(["+Memtable", "+Memtable"])
    })
  )

  it.scoped("may use the components below them", () =>
    Effect.gen(function* () {
      let storeId: Uint8Array | undefined
      const merger = Layer.effect(
        TableMerger.TableMerger,
        Effect.zipRight(
          Effect.map(Manifest.Manifest, (manifest) => {
            storeId = manifest.storeId
          }),
          TableMerger.make
        )
      )
      yield* LsmStore.makeFromStorage(options, { merger }).pipe(
        Effect.provideServiceEffect(Storage.Storage, Storage.makeMemory)
      )
      expect(storeId).toHaveLength(8)
    })
  )
})
