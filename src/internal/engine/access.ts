import type { Store } from "../../Store.js"
import type { Conditions } from "./conditions.js"
import type { Engine } from "./engine.js"
import type { Scans } from "./scans.js"
import type { Writes } from "./writes.js"

/** What capabilities beside the store need of it. */
export interface Access {
  readonly engine: Engine
  readonly scans: Scans
  readonly writes: Writes
  readonly conditions: Conditions
}

/** A copy of a store, such as `{ ...store }`, has it too. */
const access: unique symbol = Symbol.for("effect-lsm/access")

export const withAccess = <S extends object>(store: S, parts: Access): S => Object.assign(store, { [access]: parts })

/** Returns undefined if `store` was not made by this library. */
export const accessOf = (store: Store): Access | undefined =>
  (store as Partial<Record<typeof access, Access>> | null | undefined)?.[access]

/** Throws a TypeError, which is a defect, if `store` was not made by this library. */
export const accessTo = (store: Store): Access => {
  const parts = accessOf(store)
  if (parts === undefined) throw new TypeError("the store was not made by effect-lsm")
  return parts
}
