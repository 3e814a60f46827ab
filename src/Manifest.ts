/**
 * Which files the store consists of: its tables by level, its log segments, its numbers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { StorageFailure } from "./internal/failure.js"
import { currentName, logName, manifestName, parseFileName, tableName } from "./internal/fileNames.js"
import { applyEdit, emptyState, type ManifestState, type ManifestWriter } from "./internal/manifestFile.js"
import { missingFile, missingFiles, readStoreDirectory, type StoreDirectory } from "./internal/storeDirectory.js"
import type { Version } from "./internal/version.js"
import type { VersionEdit } from "./internal/versionEdit.js"
import { type PinnedVersion, VersionSet } from "./internal/versionSet.js"
import { type FileError, fromFailure, type OpenError, type StoreLocked } from "./LsmError.js"
import { type LsmOptions, type Settings, settings } from "./LsmOptions.js"
import { attempt, Storage, type StorageService, syncFile } from "./Storage.js"
import { keepAside } from "./shell/aside.js"
import { expectStore, noStore } from "./shell/directories.js"
import { writeManifest } from "./shell/manifestFiles.js"
import { drawStoreId, type Salvaged, salvageDirectory } from "./shell/salvage.js"
import { traced } from "./shell/tracing.js"

/**
 * A change to be made durable at once; what is left out stays as it is.
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Partial<Omit<VersionEdit, "nextFileNumber">>

/**
 * The directory's owner and its table of contents. Acquiring it claims or locks the directory and reads what is there, changing nothing;
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

/** What the directory held when it was claimed, or locked. */
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
      const { state, manifestNumber } = found ?? { state: emptyState, manifestNumber: 0 }
      return {
        names,
        found,
        orphans: orphansAmong(names, state, manifestNumber),
        missing: missingFiles(state, names)
      }
    })
  )

/** Whether it was closed in order, all of it is there and nothing else, so that it can be opened without a change. */
const isInOrder = (seen: Exit.Exit<Seen, FileError>): boolean => {
  if (!Exit.isSuccess(seen)) return false
  const { found, orphans, missing } = seen.value
  if (found?.state.closed === undefined || found.tornBytes > 0) return false
  return missing.tables.length + missing.segments.length + orphans.length === 0
}

/** Files of the store's making that its state does not name. */
const orphansAmong = (
  names: ReadonlyArray<string>,
  { segments, version }: ManifestState,
  manifestNumber: number
): ReadonlyArray<string> => {
  const named = new Set<string>([
    ...segments.map(logName),
    ...version.levels.flatMap((tables) => tables.map(({ fileNumber }) => tableName(fileNumber))),
    manifestName(manifestNumber),
    currentName
  ])
  return ownNames(names).filter((name) => !named.has(name))
}

/** The names of a store's making, in order. */
const ownNames = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name) => (parseFileName(name)?.kind ?? "lock") !== "lock").sort()

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
    // A store that was closed in order is read under a claim; whatever is to be changed is locked, and looked at anew.
    let secure: Effect.Effect<void, FileError | StoreLocked> | undefined
    if (readOnly) yield* storage.lock(directory, "read")
    else if (storage.claim === undefined) {
      yield* Effect.zipRight(storage.makeDirectory(directory), storage.lock(directory))
    } else secure = yield* storage.claim(directory)
    const secureNow = Effect.suspend(() => secure ?? Effect.void).pipe(
      Effect.tap(() => {
        secure = undefined
      })
    )
    if (given.recovery === "salvage") yield* secureNow
    const salvaged = given.recovery === "salvage" ? yield* salvageDirectory(options) : undefined
    let seen = yield* Effect.exit(look(storage, directory))
    if (secure !== undefined && !isInOrder(seen)) {
      yield* secureNow
      seen = yield* Effect.exit(look(storage, directory))
    }
    const recovered = yield* recover(given, yield* seen)
    const { storeId } = recovered
    let { state, manifestNumber } = recovered
    let nextFileNumber = state.nextFileNumber
    let writer: ManifestWriter | undefined
    let listener = (): void => undefined
    const versions = new VersionSet(state.version, () => listener())
    const serially = yield* Effect.makeSemaphore(1)
    yield* Effect.addFinalizer(() => Effect.sync(() => writer?.file.close()))

    /**
     * Before the first change. Whom the claim does not know may have been here meanwhile: every store that is written to has begun a new
     * manifest, so the names tell.
     */
    const own: Effect.Effect<void, FileError> = Effect.suspend(() => {
      if (secure === undefined) return Effect.void
      const refuse = (code: string) => Effect.fail(fromFailure(new StorageFailure("lock", directory, code)))
      const before = ownNames(recovered.names)
      return secure.pipe(
        Effect.catchTag("StoreLocked", () => refuse("EBUSY")),
        Effect.zipRight(storage.list(directory)),
        Effect.flatMap((names) => {
          const now = ownNames(names)
          if (now.length !== before.length || now.some((name, i) => name !== before[i])) return refuse("ESTALE")
          secure = undefined
          return Effect.void
        })
      )
    })

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
        const fileNumber = manifestNumber === 0 ? allocate() : Math.max(allocate(), manifestNumber + 1)
        const name = manifestName(fileNumber)
        const path = `${directory}/${name}`
        // A leftover of an interrupted making has the first number.
        if (manifestNumber === 0 && (yield* storage.exists(path))) yield* storage.remove(path)
        const whole = { ...next, nextFileNumber }
        const fresh = yield* writeManifest(storage, directory, storeId, fileNumber, whole, (mayBeNamed) =>
          mayBeNamed ? doubt([name, ...written]) : discard(written)
        )
        const previous = manifestNumber
        writer?.file.close()
        writer = fresh
        manifestNumber = fileNumber
        const unnamed = doubtful
        doubtful = []
        yield* discard(previous > 0 ? [manifestName(previous), ...unnamed] : unnamed)
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
              current.file.close()
              writer = undefined
            })
          ),
          Effect.tapError(() => doubt(names)),
          Effect.zipRight(Effect.sync(() => current.markSynced())),
          Effect.zipRight(install)
        )
      }).pipe(Effect.uninterruptible, serially.withPermits(1))

    const removeOrphans = Effect.gen(function* () {
      const orphans = orphansAmong(yield* storage.list(directory), state, manifestNumber)
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
      begin: Effect.zipRight(
        own,
        Effect.suspend(() => rollOver(state))
      ).pipe(Effect.uninterruptible, serially.withPermits(1)),
      apply,
      unsafeSalvage: () => salvaged,
      keepAside: (names) => Effect.zipRight(own, keepAside(storage, directory, manifestNumber, names)),
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
