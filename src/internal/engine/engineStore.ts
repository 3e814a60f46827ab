import type { Store } from "../../Store.js"

/** A store without the capabilities that are loaded when they are used. */
export type EngineStore = Omit<Store, "transact" | "changes" | "positionOf" | "watch">
