/**
 * Which files the store consists of: its tables by level, its log segments, its numbers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { applyEdit, emptyState, type ManifestState, type ManifestWriter } from "./core/manifest/manifestFile.js"
import { isOwnFile } from "./core/manifest/ownFile.js"
import {
  missingFile,
  missingFiles,
  orphansAmong,
  readStoreDirectory,
  type StoreDirectory
} from "./core/manifest/storeDirectory.js"
import type { Version } from "./core/manifest/version.js"
import type { VersionEdit } from "./core/manifest/versionEdit.js"
import { type PinnedVersion, VersionSet } from "./core/manifest/versionSet.js"
import { manifestName, tableName, temporaryName } from "./core/storage/fileNames.js"
import { closeQuietly } from "./core/storage/storageDriver.js"
import { traced } from "./internal/effect/tracing.js"
import { keepAside } from "./internal/manifest/aside.js"
import { expectStore, makeDirectories, noStore, syncParents } from "./internal/manifest/directories.js"
import { drawStoreId, type Salvaged, salvageDirectory } from "./internal/manifest/salvage.js"
import { writeManifest } from "./internal/manifest/writeManifest.js"
import { type FileError, fromFailure, type OpenError } from "./LsmError.js"
import { type LsmOptions, type Settings, settings } from "./LsmOptions.js"
import { attempt, Storage, type StorageService, syncFile } from "./Storage.js"

/**
 * A change to be made durable at once; what is left out stays as it is.
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Partial<Omit<VersionEdit, "nextFileNumber">>

/**
 * The directory's owner and its table of contents. Acquiring it locks the directory and reads what is there, changing nothing;
 * `begin` makes it writable.
 *
 * @since 0.1.0
 * @category models
 */
export interface ManifestService {
  readonly directory: string
  /** Drawn when the store was made; every file carries it. */
  readonly storeId: Uint8Array
  readonly unsafeState: () => ManifestState
  readonly unsafeVersion: () => Version
  /** Keeps the current version's tables on disk until released. */
  readonly unsafePin: () => PinnedVersion
  /** A number that no file has had. */
  readonly unsafeAllocate: () => number
  /** Starts a new manifest with the state as it is, and points to it. */
  readonly begin: Effect.Effect<void, FileError>
  /** Makes a change durable, then visible. Changes happen one after the other. */
  readonly apply: (change: Change) => Effect.Effect<void, FileError>
  /** What salvaging the directory had to give up; undefined where it was sound, or was not salvaged. */
  readonly unsafeSalvage: () => Salvaged | undefined
  /** Keeps files as they are in a directory of their own, before anything is changed; answers that directory. */
  readonly keepAside: (names: ReadonlyArray<string>) => Effect.Effect<string, FileError>
  /** Files of the store's making that were there when the directory was read, and that the manifest did not name. */
  readonly unsafeOrphans: () => ReadonlyArray<string>
  /** Removes files of the store's making that the manifest does not name; answers their names. */
  readonly removeOrphans: Effect.Effect<ReadonlyArray<string>, FileError>
  /** The tables that no version holds any more, each once. */
  readonly unsafeTakeObsolete: () => ReadonlyArray<number>
  /** Sets what is called when a table has become obsolete. */
  readonly unsafeOnObsolete: (listener: () => void) => void
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Manifest extends Context.Tag("effect-lsm/Manifest")<Manifest, ManifestService>() {}

/** A manifest longer than this is begun anew. */
const rolloverSize = 1024 * 1024

/** What the directory held when it was locked. */
type Recovered = Omit<StoreDirectory, "tornBytes"> & Omit<Seen, "found">

/** What stands in a directory. */
interface Seen {
  readonly names: ReadonlyArray<string>
  readonly found: StoreDirectory | undefined
  /** Files of the store's making that its manifest does not name. */
  readonly orphans: ReadonlyArray<string>
  /** What the manifest names and is not there: tables, then segments. */
  readonly missing: ReturnType<typeof missingFiles>
}

const look = (storage: StorageService, directory: string): Effect.Effect<Seen, FileError> =>
  Effect.flatMap(storage.list(directory), (names) =>
    attempt(() => {
      const found = readStoreDirectory(storage.driver, directory, names)
      const sight = found ?? { state: emptyState, storeId: undefined, manifestNumber: 0 }
      return {
        names,
        found,
        orphans: orphansAmong(storage.driver, directory, names, sight),
        missing: missingFiles(sight.state, names)
      }
    })
  )

const recover = (
  { directory, createIfMissing, readOnly, recovery }: Settings,
  { found, ...seen }: Seen
): Effect.Effect<Recovered, OpenError> =>
  Effect.gen(function* () {
    if (found === undefined) {
      if (!createIfMissing || readOnly) return yield* noStore(directory)
      const storeId = yield* drawStoreId
      return { state: emptyState, storeId, manifestNumber: 0, ...seen }
    }
    if (found.tornBytes > 0) {
      yield* Effect.logWarning("dropped a torn last edit of the manifest").pipe(
        Effect.annotateLogs({
          component: "Manifest",
          file: manifestName(found.manifestNumber),
          bytes: found.tornBytes
        })
      )
    }
    const { tables, segments } = seen.missing
    const missing = tables[0] ?? (recovery === "pointInTime" ? undefined : segments[0])
    if (missing !== undefined) {
      return yield* Effect.fail(fromFailure(missingFile(directory, missing, found.manifestNumber)))
    }
    return { ...found, ...seen }
  })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<ManifestService, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const given = yield* settings(options)
    const { directory, createIfMissing, readOnly } = given
    const storage = yield* Storage
    if (!createIfMissing || readOnly) yield* expectStore(directory)
    // Acquired first, so that it goes last.
    const lock = storage.lock(directory, readOnly ? "read" : "write")
    yield* readOnly
      ? lock
      : Effect.catchIf(
          lock,
          (error) => error._tag === "StorageError" && error.code === "ENOENT",
          () => Effect.zipRight(makeDirectories(storage, directory), lock)
        )
    const salvaged = given.recovery === "salvage" ? yield* salvageDirectory(given) : undefined
    const recovered = yield* recover(given, yield* look(storage, directory))
    const { storeId } = recovered
    let { state, manifestNumber } = recovered
    let nextFileNumber = state.nextFileNumber
    let writer: ManifestWriter | undefined
    let listener = (): void => undefined
    const versions = new VersionSet(state.version, () => listener())
    const serially = yield* Effect.makeSemaphore(1)
    const closeWriter = () => writer && closeQuietly(writer.file)
    yield* Effect.addFinalizer(() => Effect.sync(closeWriter))

    const allocate = (): number => nextFileNumber++

    /** Files that CURRENT or a failed edit may yet name: they go when a manifest that does not name them is durable. */
    let doubtful: ReadonlyArray<string> = []

    const doubt = (names: ReadonlyArray<string>) =>
      Effect.sync(() => {
        doubtful = [...doubtful, ...names]
      })

    const discard = (names: ReadonlyArray<string>) =>
      Effect.forEach(names, (name) => Effect.ignore(storage.remove(`${directory}/${name}`)), { discard: true })

    /**
     * Writes a manifest with the whole state, durable under its name, before CURRENT comes to point to it. Where that fails, nothing names
     * the files that are `written` for it.
     */
    const rollOver = (next: ManifestState, written: ReadonlyArray<string> = []) =>
      Effect.gen(function* () {
        let fileNumber = Math.max(allocate(), manifestNumber + 1)
        while (yield* isTaken(fileNumber)) fileNumber = allocate()
        const name = manifestName(fileNumber)
        if (manifestNumber === 0) yield* syncParents(storage, directory)
        const whole = { ...next, nextFileNumber }
        const fresh = yield* writeManifest(storage, directory, storeId, fileNumber, whole, (mayBeNamed) =>
          mayBeNamed ? doubt([name, ...written]) : discard(written)
        )
        const previous = manifestNumber
        closeWriter()
        writer = fresh
        manifestNumber = fileNumber
        const unnamed = doubtful
        doubtful = []
        yield* discard(previous > 0 ? [manifestName(previous), ...unnamed] : unnamed)
      })

    /** Whether a file stands where a manifest is to be written. What an interrupted making of a store has left is removed. */
    const isTaken = (fileNumber: number): Effect.Effect<boolean, FileError> =>
      Effect.gen(function* () {
        for (const name of [manifestName(fileNumber), temporaryName(fileNumber)]) {
          if (!(yield* storage.exists(`${directory}/${name}`))) continue
          const owner = { storeId: undefined, nextFileNumber }
          const isLeftover =
            manifestNumber === 0 && (yield* attempt(() => isOwnFile(storage.driver, directory, name, owner)))
          if (!isLeftover) return true
          yield* storage.remove(`${directory}/${name}`)
        }
        return false
      })

    const apply = (change: Change): Effect.Effect<void, FileError> =>
      Effect.suspend(() => {
        const edit: VersionEdit = {
          nextFileNumber,
          flushedSequence: Math.max(change.flushedSequence ?? 0, state.flushedSequence),
          addedSegments: change.addedSegments ?? [],
          removedSegments: change.removedSegments ?? [],
          added: change.added ?? [],
          removed: change.removed ?? [],
          closed: change.closed
        }
        const next = applyEdit(state, edit)
        const install = Effect.sync(() => {
          state = next
          versions.install(next.version, edit)
        })
        const current = writer
        // A table that is removed as well has been moved.
        const moved = new Set(edit.removed.map(({ fileNumber }) => fileNumber))
        const written = edit.added.map(({ table }) => table.fileNumber).filter((number) => !moved.has(number))
        const names = written.map(tableName)
        if (current === undefined || current.length > rolloverSize) {
          return Effect.zipRight(rollOver(next, names), install)
        }
        return attempt(() => current.append(edit)).pipe(
          Effect.zipRight(syncFile(current.file)),
          // What a failed append or sync has left is not known: the next change begins a new manifest.
          Effect.tapError(() =>
            Effect.sync(() => {
              closeQuietly(current.file)
              writer = undefined
            })
          ),
          Effect.tapError(() => doubt(names)),
          Effect.zipRight(Effect.sync(() => current.markSynced())),
          Effect.zipRight(install)
        )
      }).pipe(Effect.uninterruptible, serially.withPermits(1))

    const removeOrphans = Effect.gen(function* () {
      const names = yield* storage.list(directory)
      const now = { state: { ...state, nextFileNumber }, storeId, manifestNumber }
      const orphans = yield* attempt(() => orphansAmong(storage.driver, directory, names, now))
      for (const name of orphans) {
        const told = yield* storage.remove(`${directory}/${name}`).pipe(
          Effect.match({
            onFailure: ({ message }) => ["could not remove an orphan", message],
            onSuccess: () => ["removed an orphan"]
          })
        )
        yield* Effect.logWarning(...told).pipe(Effect.annotateLogs({ component: "Manifest", file: name }))
      }
      return orphans
    })

    const service: ManifestService = {
      directory,
      storeId,
      unsafeState: () => state,
      unsafeVersion: () => versions.current,
      unsafePin: () => versions.pin(),
      unsafeAllocate: allocate,
      begin: Effect.suspend(() => rollOver(state)).pipe(Effect.uninterruptible, serially.withPermits(1)),
      apply,
      unsafeSalvage: () => salvaged,
      keepAside: (names) => keepAside(storage, directory, manifestNumber, names),
      unsafeOrphans: () => recovered.orphans,
      removeOrphans,
      unsafeTakeObsolete: () => versions.takeObsolete(),
      unsafeOnObsolete: (onObsolete) => {
        listener = onObsolete
      }
    }
    return service
  }).pipe(traced("lsm.manifest.open"))

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Manifest, OpenError, Storage> =>
  Layer.scoped(Manifest, make(options))
