import * as Effect from "effect/Effect"
import type { OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import { Storage } from "../../Storage.js"
import { openBackup, readGenerations } from "./backupDirectory.js"

/** A generation of a backup; see `Backup.GenerationInfo`. */
export interface Info {
  readonly generation: number
  readonly madeAt: Date
  readonly sequence: number
  readonly files: number
  readonly bytes: number
}

/** The generations of a backup; see `Backup.list`. */
export const listBackup = (from: string): Effect.Effect<ReadonlyArray<Info>, OpenError, Storage> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const { directory } = yield* resolveOptions({ directory: from })
    const { names, storeId } = yield* openBackup(directory)
    const generations = yield* readGenerations(storage, directory, names, storeId)
    return generations.map(({ files, madeAt, number, sequence }) => ({
      generation: number,
      madeAt: new Date(madeAt),
      sequence,
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0)
    }))
  }).pipe(Effect.scoped)
