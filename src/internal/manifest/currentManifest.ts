import * as Effect from "effect/Effect"
import { type ManifestState, type ManifestWriter, manifestVersionFor } from "../../core/manifest/manifestFile.js"
import { orphansAmong, withoutStore } from "../../core/manifest/orphans.js"
import type { VersionEdit } from "../../core/manifest/versionEdit.js"
import { manifestName, temporaryName } from "../../core/storage/fileNames.js"
import { closeQuietly } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"
import { syncParents } from "./directories.js"
import type { FileNumbers } from "./fileNumbers.js"
import { writeManifest } from "./writeManifest.js"

/** A longer manifest is replaced by a new one. */
const rolloverSize = 1024 * 1024

/**
 * The manifest that CURRENT points to, open for edits. Run its methods one at a time and
 * uninterruptibly.
 */
export interface CurrentManifest {
  /** Its number; 0 if there is none yet. */
  readonly number: () => number
  /** Starts a new manifest with the state `next`, and points CURRENT to it. */
  readonly rollOver: (next: ManifestState) => Effect.Effect<void, FileError>
  /**
   * Makes an edit durable that leads to `next`: appends it, or starts a new manifest if there is
   * none to append to, it is too long, or its version has no fields for what the edit says.
   * `written` are the files that this edit alone names.
   */
  readonly write: (
    edit: VersionEdit,
    next: ManifestState,
    written: ReadonlyArray<string>
  ) => Effect.Effect<void, FileError>
  readonly close: () => void
}

export const makeCurrentManifest = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  startNumber: number,
  numbers: FileNumbers
): CurrentManifest => {
  let manifestNumber = startNumber
  let writer: ManifestWriter | undefined
  /**
   * Files that CURRENT or a failed edit may still name: removed when a manifest that does not name
   * them is durable.
   */
  let inDoubt: ReadonlyArray<string> = []

  const doubt = (names: ReadonlyArray<string>) =>
    Effect.sync(() => {
      inDoubt = [...inDoubt, ...names]
    })

  const discard = (names: ReadonlyArray<string>) =>
    Effect.forEach(names, (name) => Effect.ignore(storage.remove(`${directory}/${name}`)), { discard: true })

  const close = (): void => {
    if (writer !== undefined) closeQuietly(writer.file)
  }

  /**
   * Whether a name that a new manifest needs is taken. Removes leftovers of a store that was not
   * completely made.
   */
  const isTaken = (fileNumber: number): Effect.Effect<boolean, FileError> =>
    Effect.gen(function* () {
      for (const name of [manifestName(fileNumber), temporaryName(fileNumber)]) {
        if (!(yield* storage.exists(`${directory}/${name}`))) continue
        const isOrphan =
          manifestNumber === 0 &&
          (yield* attempt(() => orphansAmong(storage.driver, directory, [name], withoutStore(numbers.next)))).length > 0
        if (!isOrphan) return true
        yield* storage.remove(`${directory}/${name}`)
      }
      return false
    })

  // The new manifest is durable under its name before CURRENT points to it. If that fails earlier,
  // nothing names the files that are `written` for it, and they are removed.
  const rollOver = (next: ManifestState, written: ReadonlyArray<string>): Effect.Effect<void, FileError> =>
    Effect.gen(function* () {
      let fileNumber = Math.max(numbers.allocate(), manifestNumber + 1)
      while (yield* isTaken(fileNumber)) fileNumber = numbers.allocate()
      const name = manifestName(fileNumber)
      if (manifestNumber === 0) yield* syncParents(storage, directory)
      const whole = { ...next, nextFileNumber: numbers.next }
      const fresh = yield* writeManifest(storage, directory, storeId, fileNumber, whole, (mayBeNamed) =>
        mayBeNamed ? doubt([name, ...written]) : discard(written)
      )
      const previous = manifestNumber
      close()
      writer = fresh
      manifestNumber = fileNumber
      const unnamed = inDoubt
      inDoubt = []
      yield* discard(previous > 0 ? [manifestName(previous), ...unnamed] : unnamed)
    })

  return {
    number: () => manifestNumber,
    rollOver: (next) => rollOver(next, []),
    write: (edit, next, written) => {
      const current = writer
      const isOlder = current !== undefined && current.version < manifestVersionFor(next)
      if (current === undefined || isOlder || current.length > rolloverSize) return rollOver(next, written)
      return attempt(() => current.append(edit)).pipe(
        Effect.zipRight(syncFile(current.file)),
        // After a failed append or sync we do not know what is on disk: the next edit starts a new
        // manifest.
        Effect.tapError(() =>
          Effect.sync(() => {
            closeQuietly(current.file)
            writer = undefined
          })
        ),
        Effect.tapError(() => doubt(written)),
        Effect.zipRight(Effect.sync(() => current.markSynced()))
      )
    },
    close
  }
}
