import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OpenError, ReadError } from "../LsmError.js"
import type { LsmOptions } from "../LsmOptions.js"
import * as LsmStore from "../LsmStore.js"
import type * as Store from "../Store.js"
import type { CommandFailed } from "./failure.js"
import { damageText } from "./format/damageText.js"
import { writeError } from "./io/output.js"
import { decodeTuning, type TuningTexts } from "./tuningOptions.js"

type Opened = Effect.Effect<Store.Store, CommandFailed | OpenError | ReadError, Scope.Scope>

/** What a command line says of a store that it opens. */
interface Given {
  readonly recovery: LsmOptions["recovery"]
  readonly tuning: TuningTexts
}

/** The same of a command that writes. */
interface Writing extends Given {
  readonly durability?: LsmOptions["durability"]
}

/** Opens a store, and prints what recovery could not keep. */
const open = (options: LsmOptions, texts: TuningTexts): Opened =>
  Effect.flatMap(decodeTuning(texts), (tuning) =>
    Effect.tap(LsmStore.make({ ...tuning, ...options }), (store) =>
      Effect.flatMap(store.stats, ({ recovery: { lost, aside } }) => {
        const lines = lost.map((damage) => `lsmkv: lost: ${damageText(damage)}\n`)
        if (aside !== undefined) lines.push(`lsmkv: the original files are kept in ${aside}\n`)
        return lines.length === 0 ? Effect.void : writeError(lines.join(""))
      })
    )
  )

/** Opens a store read-only: its files are not changed. */
export const openReading = (directory: string, { recovery, tuning }: Given): Opened =>
  open({ directory, recovery, readOnly: true }, tuning)

/**
 * Opens an existing store for writing. A mistyped directory is an error, not a new, empty store.
 */
export const openExisting = (directory: string, { durability, recovery, tuning }: Writing): Opened =>
  open({ directory, durability, recovery, createIfMissing: false }, tuning)

/** Opens a store for writing, and creates it if there is none. */
export const openOrCreate = (directory: string, { durability, recovery, tuning }: Writing): Opened =>
  open({ directory, durability, recovery }, tuning)
