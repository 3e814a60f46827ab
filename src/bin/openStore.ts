import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OpenError } from "../LsmError.js"
import type { Durability } from "../LsmOptions.js"
import * as LsmStore from "../LsmStore.js"

type Opened = Effect.Effect<LsmStore.Store, OpenError, FileSystem.FileSystem | Scope.Scope>

/** Opens a store that is there: a mistyped directory is an error, not a new and empty store. */
export const openExisting = (directory: string, durability: Durability = "sync"): Opened =>
  LsmStore.make({ directory, durability, createIfMissing: false })

/** Opens a store for writing, and makes it where there is none. */
export const openOrCreate = (directory: string, durability: Durability): Opened =>
  LsmStore.make({ directory, durability })
