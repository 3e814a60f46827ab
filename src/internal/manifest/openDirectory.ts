import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { emptyState, type ManifestState } from "../../core/manifest/manifestFile.js"
import { orphansAmong, withoutStore } from "../../core/manifest/orphans.js"
import { missingFile, missingFiles, readStoreDirectory } from "../../core/manifest/storeDirectory.js"
import { manifestName } from "../../core/storage/fileNames.js"
import { fromFailure, type OpenError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import { attempt, Storage } from "../../Storage.js"
import { noStore } from "./directories.js"
import { drawStoreId } from "./drawIds.js"
import type { Salvaged } from "./salvage.js"

/** The content of a directory when it is opened. */
export interface OpenedDirectory {
  readonly state: ManifestState
  readonly storeId: Uint8Array
  /** The number of the manifest that CURRENT names; 0 if there is no store yet. */
  readonly manifestNumber: number
  /** Files made by the store that its manifest does not name. */
  readonly orphans: ReadonlyArray<string>
  /** The last edit of the manifest, if it was torn and dropped. */
  readonly torn: { readonly file: string; readonly bytes: number } | undefined
  /** The losses of a salvage; undefined if the store was sound or was not salvaged. */
  readonly salvaged: Salvaged | undefined
}

/**
 * Reads a directory that we own. If there is no store, draws the id of a new one. Only salvage
 * changes anything in the directory, and only if the store is damaged.
 */
export const openDirectory = (settings: Settings): Effect.Effect<OpenedDirectory, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory, createIfMissing, readOnly, recovery } = settings
    const storage = yield* Storage
    const salvaged = recovery === "salvage" ? yield* salvage(settings) : undefined
    const names = yield* storage.list(directory)
    const { found, orphans } = yield* attempt(() => {
      const store = readStoreDirectory(storage.driver, directory, names)
      const known = store ?? withoutStore(emptyState.nextFileNumber)
      return { found: store, orphans: orphansAmong(storage.driver, directory, names, known) }
    })
    if (found === undefined) {
      if (!createIfMissing || readOnly) return yield* noStore(directory)
      return { state: emptyState, storeId: yield* drawStoreId, manifestNumber: 0, orphans, torn: undefined, salvaged }
    }
    const { state, storeId, manifestNumber } = found
    const torn = found.tornBytes > 0 ? { file: manifestName(manifestNumber), bytes: found.tornBytes } : undefined
    if (torn !== undefined) yield* warnOfTornEdit(torn)
    const { tables, values, segments } = missingFiles(state, names)
    const missing = tables[0] ?? values[0] ?? (recovery === "pointInTime" ? undefined : segments[0])
    if (missing !== undefined) {
      return yield* Effect.fail(fromFailure(missingFile(directory, missing, manifestNumber)))
    }
    return { state, storeId, manifestNumber, orphans, torn, salvaged }
  })

/** Most programs never salvage, so what it takes is loaded when it is needed. */
const salvage = (settings: Settings): Effect.Effect<Salvaged | undefined, OpenError, Storage | Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("./salvage.js")),
    ({ salvageDirectory }) => salvageDirectory(settings)
  )

const warnOfTornEdit = (torn: { readonly file: string; readonly bytes: number }): Effect.Effect<void> =>
  Effect.logWarning("dropped a torn last edit of the manifest").pipe(
    Effect.annotateLogs({ component: "Manifest", ...torn })
  )
