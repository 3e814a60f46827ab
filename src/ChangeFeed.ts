import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Change, ChangesOptions, Operation, Snapshot, Watched } from "./OrderedStore.js"
import type { Store } from "./Store.js"

export const changes = (_store: Store, _options?: ChangesOptions): Stream.Stream<Change> => Stream.empty
export const positionOf = (_store: Store, _snapshot: Snapshot): Effect.Effect<string> => Effect.succeed("")
export const watch = (_store: Store, _watched: Watched): Stream.Stream<Operation> => Stream.empty
