import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Store } from "../../Store.js"
import type { EngineStore } from "../engine/engineStore.js"

/** Returns a function that continues with a module, which is loaded when it is first used. */
const lazily = <Module>(load: () => Promise<Module>) => {
  let module: Module | undefined
  return <A, E, R>(use: (module: Module) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (module !== undefined) return use(module)
      return Effect.flatMap(Effect.promise(load), (loaded) => {
        module = loaded
        return use(loaded)
      })
    })
}

const withTransactions = lazily(() => import("../transaction/transact.js"))
const withFeeds = lazily(() => import("../feed/changeFeed.js"))

/** Adds to an open store what its engine does not have. */
export const withCapabilities = (engineStore: EngineStore): Store => {
  const store: Store = {
    ...engineStore,
    transact: (program, options) => withTransactions(({ transact }) => transact(store, program, options)),
    changes: (options) => Stream.unwrap(withFeeds(({ changes }) => Effect.succeed(changes(store, options)))),
    positionOf: (snapshot) => withFeeds(({ positionOf }) => positionOf(store, snapshot)),
    watch: (watched) => Stream.unwrap(withFeeds(({ watch }) => Effect.succeed(watch(store, watched))))
  }
  return store
}
