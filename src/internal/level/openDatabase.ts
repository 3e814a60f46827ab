import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { holdsStore } from "../../core/manifest/storeDirectory.js"
import type { LsmOptions } from "../../LsmOptions.js"
import * as LsmStore from "../../LsmStore.js"
import { layer } from "../../Storage.js"
import type { Store } from "../../Store.js"
import { accessTo } from "../engine/access.js"
import { namesIn } from "../manifest/directories.js"
import { LevelError, toLevelError } from "./levelError.js"
import { runPromise } from "./running.js"

/** A store and what closes it. */
export interface Opened {
  readonly store: Store
  readonly close: () => Promise<void>
}

/** Options of abstract-level that decide about a store that is there, or is not. */
export interface Existence {
  readonly createIfMissing: boolean
  readonly errorIfExists: boolean
}

/** Opens the store in a directory for one database alone. Rejects with a `LevelError`. */
export const openDatabase = async (
  options: LsmOptions,
  { createIfMissing, errorIfExists }: Existence
): Promise<Opened> => {
  const { directory } = options
  const isThere = holdsStore(await runPromise(Effect.provide(namesIn(directory), layer)))
  if (isThere && errorIfExists) throw new LevelError(`${directory} exists (errorIfExists is true)`, "LEVEL_EXISTS")
  if (!isThere && (!createIfMissing || options.readOnly === true)) {
    const reason = createIfMissing ? "readOnly is true" : "createIfMissing is false"
    throw new LevelError(`${directory} does not exist (${reason})`, "LEVEL_NOT_FOUND")
  }
  const scope = await runPromise(Scope.make())
  const close = () => runPromise(Scope.close(scope, Exit.void))
  try {
    return { store: await runPromise(Scope.extend(LsmStore.make(options), scope)), close }
  } catch (failure) {
    await close()
    throw failure
  }
}

/** A store that others opened and will close. @throws LevelError if it is closed */
export const openShared = (store: Store): Opened => {
  const refusal = accessTo(store).engine.readRefusal()
  if (refusal !== undefined) throw toLevelError(refusal)
  return { store, close: async () => undefined }
}
