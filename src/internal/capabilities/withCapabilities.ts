import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Store } from "../../Store.js"
import type { EngineStore } from "../engine/engineStore.js"

/** Loads a module when it is first used. */
const lazily = <Module>(load: () => Promise<Module>): Effect.Effect<Module> => {
  let module: Module | undefined
  return Effect.suspend(() =>
    module === undefined
      ? Effect.map(Effect.promise(load), (loaded) => {
          module = loaded
          return loaded
        })
      : Effect.succeed(module)
  )
}

const transactions = lazily(() => import("../transaction/transact.js"))
const feeds = lazily(() => import("../feed/changeFeed.js"))

/** Adds to an open store what its engine does not have. */
export const withCapabilities = (engineStore: EngineStore): Store => {
  const store: Store = {
    ...engineStore,
    transact: (program, options) => Effect.flatMap(transactions, ({ transact }) => transact(store, program, options)),
    changes: (options) => Stream.unwrap(Effect.map(feeds, ({ changes }) => changes(store, options))),
    positionOf: (snapshot) => Effect.flatMap(feeds, ({ positionOf }) => positionOf(store, snapshot)),
    watch: (watched) => Stream.unwrap(Effect.map(feeds, ({ watch }) => watch(store, watched)))
  }
  return store
}
