/**
 * Which files belong to the store: its tables by level, its log segments, and its counters.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { applyEdit, type ManifestState } from "./core/manifest/manifestFile.js"
import { namedValueFiles } from "./core/manifest/namedValueFiles.js"
import type { Version } from "./core/manifest/version.js"
import type { VersionEdit } from "./core/manifest/versionEdit.js"
import { type PinnedVersion, VersionSet } from "./core/manifest/versionSet.js"
import { tableName } from "./core/storage/fileNames.js"
import { type ValueFile, valueFileName } from "./core/values/valueFile.js"
import { traced } from "./internal/effect/tracing.js"
import { keepAside } from "./internal/manifest/aside.js"
import { makeCurrentManifest } from "./internal/manifest/currentManifest.js"
import { FileNumbers } from "./internal/manifest/fileNumbers.js"
import { openDirectory } from "./internal/manifest/openDirectory.js"
import { ownDirectory } from "./internal/manifest/ownership.js"
import { removeOrphans } from "./internal/manifest/removeOrphans.js"
import type { Salvaged } from "./internal/manifest/salvage.js"
import type { FileError, OpenError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import { attempt, Storage } from "./Storage.js"

/**
 * A change that becomes durable as a whole. Fields that are left out stay as they are.
 *
 * @since 3.0.0
 * @category models
 */
export type Change = Partial<Omit<VersionEdit, "nextFileNumber">>

/**
 * The owner of the directory, and its list of files. Acquiring it locks and reads the directory and
 * changes nothing. `begin` makes it writable.
 *
 * @since 3.0.0
 * @category models
 */
export interface ManifestService {
  readonly directory: string
  /** A random id from when the store was made. Every file has it in its header. */
  readonly storeId: Uint8Array
  readonly unsafeState: () => ManifestState
  readonly unsafeVersion: () => Version
  /** Pins the current version: its files stay on disk until it is released. */
  readonly unsafePin: () => PinnedVersion
  /** Returns a file number that was never used. */
  readonly unsafeAllocate: () => number
  /** Starts a new manifest with the current state, and points CURRENT to it. */
  readonly begin: Effect.Effect<void, FileError>
  /** Makes a change durable, then visible. Changes run one after the other. */
  readonly apply: (change: Change) => Effect.Effect<void, FileError>
  /** The losses of a salvage; undefined if the directory was sound or was not salvaged. */
  readonly unsafeSalvage: () => Salvaged | undefined
  /**
   * The last edit of the manifest, if it was torn and dropped when the directory was read. Default:
   * none was.
   *
   * @since 3.1.0
   */
  readonly unsafeTornEdit?: () => { readonly file: string; readonly bytes: number } | undefined
  /**
   * Keeps copies or links of files in a new directory, before anything changes. Returns that
   * directory.
   */
  readonly keepAside: (names: ReadonlyArray<string>) => Effect.Effect<string, FileError>
  /**
   * The orphans found when the directory was read: files made by the store that its manifest does
   * not name.
   */
  readonly unsafeOrphans: () => ReadonlyArray<string>
  /** Removes the orphans that exist now. Returns their names. */
  readonly removeOrphans: Effect.Effect<ReadonlyArray<string>, FileError>
  /** Returns the tables that left the last version that held them. Each is returned once. */
  readonly unsafeTakeObsolete: () => ReadonlyArray<number>
  /** The same for files with values. */
  readonly unsafeTakeObsoleteValues: () => ReadonlyArray<ValueFile>
  /** Sets the function that is called when a file becomes obsolete. */
  readonly unsafeOnObsolete: (listener: () => void) => void
}

/**
 * @since 3.0.0
 * @category tags
 */
export class Manifest extends Context.Tag("effect-lsm/Manifest")<Manifest, ManifestService>() {}

/**
 * @since 3.0.0
 * @category constructors
 */
export const make = (
  options: LsmOptions.LsmOptions
): Effect.Effect<ManifestService, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.resolveOptions(options)
    const { directory } = settings
    const storage = yield* Storage
    yield* ownDirectory(settings)
    const opened = yield* openDirectory(settings)
    const { storeId } = opened
    let { state } = opened
    let listener = (): void => undefined
    const versions = new VersionSet(state.version, () => listener())
    const numbers = new FileNumbers(state.nextFileNumber)
    const current = makeCurrentManifest(storage, directory, storeId, opened.manifestNumber, numbers)
    const oneAtATime = yield* Effect.makeSemaphore(1)
    yield* Effect.addFinalizer(() => Effect.sync(current.close))

    const valueFilesOf = (change: Change): Effect.Effect<ReadonlyArray<ValueFile>, FileError> =>
      attempt(() => namedValueFiles(storage.driver, directory, state.version, { added: [], ...change }))

    const apply = (change: Change): Effect.Effect<void, FileError> =>
      Effect.flatMap(valueFilesOf(change), (valueFiles) => {
        const isTimed =
          change.time !== undefined &&
          (state.version.holdsExpiring || change.added?.some(({ table }) => table.expiring !== undefined) === true)
        const edit: VersionEdit = {
          nextFileNumber: numbers.next,
          flushedSequence: Math.max(change.flushedSequence ?? 0, state.flushedSequence),
          addedSegments: change.addedSegments ?? [],
          removedSegments: change.removedSegments ?? [],
          added: change.added ?? [],
          removed: change.removed ?? [],
          valueFiles,
          closed: change.closed,
          ...(isTimed && { time: change.time }),
          ...(change.history !== undefined && { history: change.history })
        }
        const next = applyEdit(state, edit)
        // A table that the same edit removes was moved.
        const moved = new Set(edit.removed.map(({ fileNumber }) => fileNumber))
        const written = edit.added.map(({ table }) => table.fileNumber).filter((number) => !moved.has(number))
        const install = Effect.sync(() => {
          state = next
          versions.install(next.version, edit)
        })
        const files = [...written.map(tableName), ...valueFiles.map(valueFileName)]
        return Effect.zipRight(current.write(edit, next, files), install)
      }).pipe(Effect.uninterruptible, oneAtATime.withPermits(1))

    const service: ManifestService = {
      directory,
      storeId,
      unsafeState: () => state,
      unsafeVersion: () => versions.current,
      unsafePin: () => versions.pin(),
      unsafeAllocate: numbers.allocate,
      begin: Effect.suspend(() => current.rollOver(state)).pipe(Effect.uninterruptible, oneAtATime.withPermits(1)),
      apply,
      unsafeSalvage: () => opened.salvaged,
      unsafeTornEdit: () => opened.torn,
      keepAside: (names) => keepAside(storage, directory, current.number(), names),
      unsafeOrphans: () => opened.orphans,
      removeOrphans: removeOrphans(storage, directory, () => ({
        state: { ...state, nextFileNumber: numbers.next },
        storeId,
        manifestNumber: current.number()
      })),
      unsafeTakeObsolete: () => versions.takeObsolete(),
      unsafeTakeObsoleteValues: () => versions.takeObsoleteValues(),
      unsafeOnObsolete: (onObsolete) => {
        listener = onObsolete
      }
    }
    return service
  }).pipe(traced("lsm.manifest.open", { directory: options.directory }))

/**
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions.LsmOptions): Layer.Layer<Manifest, OpenError, Storage> =>
  Layer.scoped(Manifest, make(options))
