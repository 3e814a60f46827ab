import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { LsmStore, Memtable, Metrics, Storage } from "effect-lsm"

describe("a component", () => {
  it.scoped("is replaced by another of the same interface", () =>
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
