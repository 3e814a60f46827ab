import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { LsmOptions, OrderedStore } from "effect-lsm"
import { disk, memory, type Place } from "../places.js"

/** A layer that is built in a place, which is new. */
const onStore = <A, E>(
  place: Effect.Effect<Place, never, Scope.Scope>,
  layer: Layer.Layer<A, E, OrderedStore.OrderedStore>,
  tuning?: LsmOptions.Tuning
) => Layer.unwrapScoped(Effect.map(place, (at) => Layer.provideMerge(layer, at.open(tuning))))

/** Where the suite of an interface is run: on its own memory layer and on ours, in memory and on disk. */
export const backends = <A, E>(
  memoryLayer: Layer.Layer<A>,
  ours: Layer.Layer<A, E, OrderedStore.OrderedStore>
): ReadonlyArray<readonly [name: string, layer: Layer.Layer<A, unknown>]> => [
  ["its memory layer", memoryLayer],
  ["a store in memory", onStore(memory, ours)],
  ["a store on disk", onStore(disk, ours)]
]
