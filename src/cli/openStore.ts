import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OpenError, ReadError } from "../LsmError.js"
import type { LsmOptions } from "../LsmOptions.js"
import * as LsmStore from "../LsmStore.js"
import type * as Store from "../Store.js"
import { damageText } from "./format/damageText.js"
import { writeError } from "./io/output.js"

type Opened = Effect.Effect<Store.Store, OpenError | ReadError, Scope.Scope>

/** Opens a store, and prints what recovery could not keep. */
const open = (options: LsmOptions): Opened =>
  Effect.tap(LsmStore.make(options), (store) =>
    Effect.flatMap(store.stats, ({ recovery: { lost, aside } }) => {
      const lines = lost.map((damage) => `lsmkv: lost: ${damageText(damage)}\n`)
      if (aside !== undefined) lines.push(`lsmkv: the original files are kept in ${aside}\n`)
      return lines.length === 0 ? Effect.void : writeError(lines.join(""))
    })
  )

/** The options of a command that writes. */
type Writing = Pick<LsmOptions, "durability" | "recovery">

/** Opens a store read-only: its files are not changed. */
export const openReading = (directory: string, recovery: LsmOptions["recovery"]): Opened =>
  open({ directory, recovery, readOnly: true })

/**
 * Opens an existing store for writing. A mistyped directory is an error, not a new, empty store.
 */
export const openExisting = (directory: string, { durability, recovery }: Writing): Opened =>
  open({ directory, durability, recovery, createIfMissing: false })

/** Opens a store for writing, and creates it if there is none. */
export const openOrCreate = (directory: string, { durability, recovery }: Writing): Opened =>
  open({ directory, durability, recovery })
