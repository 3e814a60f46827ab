import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type LsmError, type LsmOptions, LsmStore, type OrderedStore, Storage, type Store } from "effect-lsm"
import { messageMergerLayer } from "./simulatedThread.js"
import { temporaryDirectory } from "./temporaryDirectory.js"

/** A place where a store can be opened repeatedly. */
export interface Place {
  readonly directory: string
  readonly open: (
    tuning?: LsmOptions.Tuning
  ) => Layer.Layer<LsmStore.LsmStore | OrderedStore.OrderedStore, LsmError.OpenError>
}

export const disk: Effect.Effect<Place, never, Scope.Scope> = Effect.map(temporaryDirectory, (directory) => ({
  directory,
  open: (tuning) => LsmStore.layer({ ...tuning, directory })
}))

export const memory: Effect.Effect<Place> = Effect.map(Storage.makeMemory, (storage) => ({
  directory: "/memory",
  open: (tuning) =>
    Layer.provide(
      LsmStore.layerFromStorage({ ...tuning, directory: "/memory" }),
      Layer.succeed(Storage.Storage, storage)
    )
}))

/** A place in memory, with compactions in a simulated thread. */
export const memoryWithThread: Effect.Effect<Place> = Effect.map(Storage.makeMemory, (storage) => ({
  directory: "/memory",
  open: (tuning) => {
    const options = { ...tuning, directory: "/memory" }
    return LsmStore.layerFromComponents(options).pipe(
      Layer.provide(LsmStore.layerComponents(options, { merger: messageMergerLayer(options) })),
      Layer.provide(Layer.succeed(Storage.Storage, storage))
    )
  }
}))

/** Opens the store of a place, runs `use` with it, and closes it. */
export const withStore = <A, E, R>(
  place: Place,
  use: (store: Store.Store) => Effect.Effect<A, E, R>,
  tuning?: LsmOptions.Tuning
) => Effect.flatMap(LsmStore.LsmStore, use).pipe(Effect.provide(place.open(tuning)))
