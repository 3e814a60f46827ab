import type * as Effect from "effect/Effect"
import type * as Store from "effect-lsm/Store"
import type { Loop } from "../lib/slices.js"
import type { Work } from "../loops/loop.js"

/** A loop as an Effect, run by one fiber unless its comment says otherwise. */
export type EffectLoop = (store: Store.Store, work: Work) => Loop<Effect.Effect<void, unknown>>
