/**
 * Which files the store consists of: its tables by level, its log segments, its numbers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { CorruptionFailure } from "./internal/failure.js"
import { decodeFileHeader, encodeFileHeader, fileHeaderSize, storeIdSize } from "./internal/fileHeader.js"
import {
  currentName,
  currentTemporaryName,
  logName,
  manifestName,
  parseFileName,
  tableName
} from "./internal/fileNames.js"
import { applyEdit, emptyState, type ManifestState, ManifestWriter, readManifest } from "./internal/manifestFile.js"
import { createFile, readExactly, type StorageDriver } from "./internal/storageDriver.js"
import type { Version } from "./internal/version.js"
import type { VersionEdit } from "./internal/versionEdit.js"
import { type PinnedVersion, VersionSet } from "./internal/versionSet.js"
import { type FileError, fromFailure, InvalidArgument, type OpenError } from "./LsmError.js"
import { type LsmOptions, settings } from "./LsmOptions.js"
import { attempt, Storage, syncFile } from "./Storage.js"

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

const readWhole = (path: string) =>
  Effect.flatMap(Storage, ({ driver }) =>
    attempt(() => {
      const file = driver.openRead(path)
      try {
        return readExactly(file, 0, file.size())
      } finally {
        file.close()
      }
    })
  )

/** What the directory held when it was locked. */
interface Recovered {
  readonly state: ManifestState
  readonly storeId: Uint8Array
  readonly manifestNumber: number
}

const recover = (directory: string, createIfMissing: boolean): Effect.Effect<Recovered, OpenError, Storage> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const names = yield* storage.list(directory)
    const fail = (file: string, reason: string) =>
      fromFailure(new CorruptionFailure(`${directory}/${file}`, 0, "file", reason))
    if (!names.includes(currentName)) {
      // Making a store writes its first manifest, then CURRENT, then anything else.
      const later = names.find((name) => {
        const file = parseFileName(name)
        return file !== undefined && (file.kind === "log" || file.kind === "table" || isLaterManifest(name))
      })
      if (later !== undefined) return yield* Effect.fail(fail(currentName, `missing, though ${later} is there`))
      if (!createIfMissing) {
        return yield* new InvalidArgument({ argument: "directory", reason: `there is no store in ${directory}` })
      }
      const storeId = new Uint8Array(storeIdSize)
      for (let i = 0; i < storeIdSize; i++) storeId[i] = yield* Random.nextIntBetween(0, 256)
      return { state: emptyState, storeId, manifestNumber: 0 }
    }
    const current = yield* readWhole(`${directory}/${currentName}`)
    const header = yield* attempt(() => decodeFileHeader(current, "current", `${directory}/${currentName}`))
    const name = manifestName(header.fileNumber)
    if (!names.includes(name)) return yield* Effect.fail(fail(name, `missing, though ${currentName} names it`))
    const bytes = yield* readWhole(`${directory}/${name}`)
    const contents = yield* attempt(() =>
      readManifest(bytes, header.fileNumber, header.storeId, `${directory}/${name}`)
    )
    if (contents.tornBytes > 0) {
      yield* Effect.logWarning("dropped a torn last edit of the manifest").pipe(
        Effect.annotateLogs({ component: "Manifest", file: name, bytes: contents.tornBytes })
      )
    }
    const { state } = contents
    const present = new Set(names)
    const required = [
      ...state.segments.map(logName),
      ...state.version.levels.flatMap((tables) => tables.map(({ fileNumber }) => tableName(fileNumber)))
    ]
    const missing = required.find((file) => !present.has(file))
    if (missing !== undefined) return yield* Effect.fail(fail(missing, `missing, though ${name} names it`))
    // A segment is written to only when an edit that names it is durable: one that is newer than all that are named
    // tells of an edit that was lost.
    const newest = Math.max(0, ...state.segments)
    for (const file of names) {
      const parsed = parseFileName(file)
      if (parsed?.kind !== "log" || parsed.fileNumber <= newest) continue
      const begun = yield* attempt(() => hasBegun(storage.driver, `${directory}/${file}`))
      if (begun) return yield* Effect.fail(fail(name, `edits are lost: it does not name ${file}`))
    }
    // Files that a crash left behind keep their numbers until they are removed.
    const highest = names.reduce((most, file) => {
      const parsed = parseFileName(file)
      return parsed !== undefined && "fileNumber" in parsed ? Math.max(most, parsed.fileNumber) : most
    }, 0)
    return {
      state: { ...state, nextFileNumber: Math.max(state.nextFileNumber, highest + 1) },
      storeId: header.storeId,
      manifestNumber: header.fileNumber
    }
  })

/** Whether a log segment has anything behind its header. */
const hasBegun = (driver: StorageDriver, path: string): boolean => {
  const file = driver.openRead(path)
  try {
    return file.size() > fileHeaderSize
  } finally {
    file.close()
  }
}

const isLaterManifest = (name: string): boolean => {
  const file = parseFileName(name)
  return file?.kind === "manifest" && file.fileNumber !== 1
}

/** Nothing is left in a directory that is no store, the lock least of all. */
const expectStore = (directory: string): Effect.Effect<void, OpenError, Storage> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const names = yield* storage.list(directory).pipe(
      Effect.catchIf(
        (error) => error._tag === "StorageError" && (error.code === "ENOENT" || error.code === "ENOTDIR"),
        () => Effect.succeed([])
      )
    )
    const ours = names.some((name) => {
      const file = parseFileName(name)
      return file !== undefined && file.kind !== "lock"
    })
    if (!ours) yield* new InvalidArgument({ argument: "directory", reason: `there is no store in ${directory}` })
  })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<ManifestService, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory, createIfMissing } = yield* settings(options)
    const storage = yield* Storage
    if (!createIfMissing) yield* expectStore(directory)
    yield* storage.makeDirectory(directory)
    yield* storage.lock(directory)
    const recovered = yield* recover(directory, createIfMissing)
    const { storeId } = recovered
    let { state, manifestNumber } = recovered
    let nextFileNumber = state.nextFileNumber
    let writer: ManifestWriter | undefined
    let listener = (): void => undefined
    const versions = new VersionSet(state.version, () => listener())
    const serially = yield* Effect.makeSemaphore(1)
    yield* Effect.addFinalizer(() => Effect.sync(() => writer?.file.close()))

    const allocate = (): number => nextFileNumber++

    /** Writes a manifest with the whole state, durable under its name, before CURRENT comes to point to it. */
    const rollOver = (next: ManifestState) =>
      Effect.gen(function* () {
        const fileNumber = manifestNumber === 0 ? allocate() : Math.max(allocate(), manifestNumber + 1)
        const path = `${directory}/${manifestName(fileNumber)}`
        // A leftover of an interrupted making has the first number.
        if (manifestNumber === 0 && (yield* storage.exists(path))) yield* storage.remove(path)
        const fresh = yield* attempt(() =>
          createFile(
            storage.driver,
            path,
            (file) => new ManifestWriter(file, fileNumber, storeId, { ...next, nextFileNumber })
          )
        )
        yield* syncFile(fresh.file).pipe(
          Effect.zipRight(pointTo(fileNumber)),
          Effect.onError(() => Effect.sync(() => fresh.file.close()))
        )
        fresh.markSynced()
        const previous = manifestNumber
        writer?.file.close()
        writer = fresh
        manifestNumber = fileNumber
        if (previous > 0) yield* Effect.ignore(storage.remove(`${directory}/${manifestName(previous)}`))
      })

    const pointTo = (fileNumber: number) =>
      Effect.gen(function* () {
        const temporary = `${directory}/${currentTemporaryName}`
        if (yield* storage.exists(temporary)) yield* storage.remove(temporary)
        const header = encodeFileHeader({ kind: "current", fileNumber, storeId })
        const file = yield* attempt(() =>
          createFile(storage.driver, temporary, (created) => {
            created.append(header, 0, fileHeaderSize)
            return created
          })
        )
        yield* syncFile(file).pipe(Effect.ensuring(Effect.sync(() => file.close())))
        yield* storage.syncDirectory(directory)
        yield* storage.rename(temporary, `${directory}/${currentName}`)
        yield* storage.syncDirectory(directory)
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
          versions.install(next.version)
        })
        const current = writer
        if (current === undefined || current.length > rolloverSize) return Effect.zipRight(rollOver(next), install)
        return attempt(() => current.append(edit)).pipe(
          Effect.zipRight(syncFile(current.file)),
          // What a failed append or sync has left is not known: the next change begins a new manifest.
          Effect.tapError(() =>
            Effect.sync(() => {
              current.file.close()
              writer = undefined
            })
          ),
          Effect.zipRight(Effect.sync(() => current.markSynced())),
          Effect.zipRight(install)
        )
      }).pipe(Effect.uninterruptible, serially.withPermits(1))

    const removeOrphans = Effect.gen(function* () {
      const named = new Set<string>([
        ...state.segments.map(logName),
        ...versions.current.levels.flatMap((tables) => tables.map(({ fileNumber }) => tableName(fileNumber))),
        manifestName(manifestNumber),
        currentName
      ])
      const names = yield* storage.list(directory)
      const orphans = names.filter((name) => {
        const file = parseFileName(name)
        return file !== undefined && file.kind !== "lock" && !named.has(name)
      })
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
      removeOrphans,
      unsafeTakeObsolete: () => versions.takeObsolete(),
      unsafeOnObsolete: (onObsolete) => {
        listener = onObsolete
      }
    }
    return service
  }).pipe(Effect.withSpan("lsm.manifest.open", { captureStackTrace: false }))

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Manifest, OpenError, Storage> =>
  Layer.scoped(Manifest, make(options))
