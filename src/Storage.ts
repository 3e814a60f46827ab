/**
 * The narrow file port that every other component reaches files through.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { lockDirectory } from "./core/lock/directoryLock.js"
import { HeldDirectories } from "./core/lock/heldDirectories.js"
import { StorageFailure } from "./core/storage/failure.js"
import { MemoryDisk } from "./core/storage/memoryFile.js"
import { listDirectory, makeNodeDriver, syncDirectory } from "./core/storage/nodeFile.js"
import type { LockMode, StorageDriver, StorageFile } from "./core/storage/storageDriver.js"
import { type FileError, fromFailure, StorageError, StoreLocked } from "./LsmError.js"
import { defaultDirectoryMode, defaultFileMode } from "./LsmOptions.js"

export {
  /**
   * What a Storage throws, and hands to the callbacks of its syncs, when the system refuses an operation: `code` is the
   * system's own, such as `ENOSPC`.
   *
   * @since 0.1.0
   * @category models
   */
  StorageFailure
} from "./core/storage/failure.js"
export type {
  /**
   * How a directory is locked: a reader leaves no trace in it.
   *
   * @since 0.1.0
   * @category models
   */
  LockMode,
  /**
   * The synchronous half of a Storage, which throws `StorageFailure`.
   *
   * @since 0.1.0
   * @category models
   */
  StorageDriver,
  /**
   * An open file: positional reads, appends and syncs as plain functions.
   *
   * @since 0.1.0
   * @category models
   */
  StorageFile
} from "./core/storage/storageDriver.js"

/**
 * What files and directories permit when they are made; the umask narrows it further.
 *
 * @since 0.1.0
 * @category models
 */
export interface Modes {
  /** Default 0o600: only the user may read and write. */
  readonly fileMode?: number | undefined
  /** Default 0o700. */
  readonly directoryMode?: number | undefined
}

/**
 * Files as the engine needs them. What runs once a file is an Effect; what runs once a block or a record is in `driver`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StorageService {
  readonly driver: StorageDriver
  /** Lets the event loop turn once. */
  readonly yieldToEventLoop: Effect.Effect<void>
  /** Makes one directory; one that is there already is as good. Nothing is durable yet. */
  readonly makeDirectory: (path: string) => Effect.Effect<void, FileError>
  readonly exists: (path: string) => Effect.Effect<boolean, FileError>
  /** The names in a directory. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, FileError>
  readonly rename: (from: string, to: string) => Effect.Effect<void, FileError>
  readonly remove: (path: string) => Effect.Effect<void, FileError>
  /** Gives a file a second name, which must be free. */
  readonly link: (from: string, to: string) => Effect.Effect<void, FileError>
  /** Makes the names in a directory durable. */
  readonly syncDirectory: (path: string) => Effect.Effect<void, FileError>
  /**
   * Owns the directory, which must be there, until the scope ends; fails with `StoreLocked` if it has an owner. A reader (default: a
   * writer) leaves no trace, and owns nothing if it may not write to the directory: then it only makes sure that there is no owner.
   */
  readonly lock: (directory: string, mode?: LockMode) => Effect.Effect<void, FileError | StoreLocked, Scope.Scope>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Storage extends Context.Tag("effect-lsm/Storage")<Storage, StorageService>() {}

/**
 * Runs synchronous code of the core, its failures becoming errors.
 *
 * @internal
 */
export const attempt = <A>(evaluate: () => A): Effect.Effect<A, FileError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(evaluate())
    } catch (failure) {
      return Effect.fail(fromFailure(failure))
    }
  })

/**
 * An Effect of a function that calls back with a failure or nothing. Once begun it is not interrupted: nobody
 * could say what an abandoned sync has done.
 *
 * @internal
 */
export const callback = (run: (done: (failure: Error | undefined) => void) => void): Effect.Effect<void, FileError> =>
  Effect.uninterruptible(
    Effect.async<void, FileError>((resume) => {
      try {
        run((failure) => resume(failure === undefined ? Effect.void : Effect.fail(fromFailure(failure))))
      } catch (failure) {
        resume(Effect.fail(fromFailure(failure)))
      }
    })
  )

/**
 * Makes what was appended to a file durable.
 *
 * @since 0.1.0
 * @category combinators
 */
export const syncFile = (file: StorageFile): Effect.Effect<void, FileError> => callback((done) => file.sync(done))

const turn = (driver: StorageDriver): Effect.Effect<void> =>
  Effect.async<void>((resume) => driver.yieldToEventLoop(() => resume(Effect.void)))

const codes: Record<string, string> = {
  AlreadyExists: "EEXIST",
  BadResource: "EBADF",
  Busy: "EBUSY",
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
  WouldBlock: "EAGAIN"
}

const fromPlatform = (operation: string, path: string, error: PlatformError): FileError => {
  const cause = error.cause as { readonly code?: unknown } | undefined
  const code =
    typeof cause?.code === "string"
      ? cause.code
      : error._tag === "SystemError"
        ? (codes[error.reason] ?? error.reason)
        : "EINVAL"
  return fromFailure(new StorageFailure(operation, path, code, { cause: error }))
}

const locked = (held: HeldDirectories, directory: string, mode: LockMode, fileMode: number) =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => lockDirectory(directory, mode, fileMode), catch: fromFailure }).pipe(
      Effect.flatMap((lock) =>
        lock.isOwn
          ? Effect.sync(() => ({ lock, letGo: held.hold(directory) }))
          : Effect.fail(new StoreLocked({ directory, reason: lock.reason }))
      )
    ),
    ({ lock, letGo }) =>
      Effect.sync(() => {
        letGo()
        lock.release()
      })
  )

/**
 * Files of the machine, made with other modes than the defaults: directories through the platform's `FileSystem`; positional reads,
 * fdatasync, directory syncs and the lock, which it does not have, through Node, and so the names in a directory, for which opening a
 * store would wait for the thread pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeWith = (modes: Modes): Effect.Effect<StorageService, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => fromFileSystem(fs, modes))

const fromFileSystem = (
  fs: FileSystem.FileSystem,
  { fileMode = defaultFileMode, directoryMode = defaultDirectoryMode }: Modes
): StorageService => {
  // Not interrupted once begun, as in `callback`: an abandoned rename would still happen, after the directory is let go.
  const named = <A>(operation: string, path: string, effect: Effect.Effect<A, PlatformError>) =>
    Effect.uninterruptible(Effect.mapError(effect, (error) => fromPlatform(operation, path, error)))
  const held = new HeldDirectories()
  const driver = held.guard(makeNodeDriver(fileMode))
  const expectDirectory = (path: string) =>
    Effect.flatMap(named("stat", path, fs.stat(path)), ({ type }) =>
      type === "Directory"
        ? Effect.void
        : Effect.fail(new StorageError({ operation: "make directory", path, code: "ENOTDIR" }))
    )
  return {
    driver,
    yieldToEventLoop: turn(driver),
    // Others may make it at the same time, so to look first would be of no use.
    makeDirectory: (path) =>
      named("make directory", path, fs.makeDirectory(path, { mode: directoryMode })).pipe(
        Effect.catchIf(
          (error) => error._tag === "StorageError" && error.code === "EEXIST",
          () => expectDirectory(path)
        )
      ),
    exists: (path) => named("stat", path, fs.exists(path)),
    list: (path) =>
      attempt(() => {
        held.expectSame(path)
        return listDirectory(path)
      }),
    rename: (from, to) =>
      Effect.zipRight(
        attempt(() => held.expectSameOf(to)),
        named("rename", from, fs.rename(from, to))
      ),
    remove: (path) =>
      Effect.zipRight(
        attempt(() => held.expectSameOf(path)),
        named("remove", path, fs.remove(path))
      ),
    link: (from, to) => named("link", from, fs.link(from, to)),
    // Looked at afterwards, for nothing that was made before may have gone to another directory.
    syncDirectory: (path) =>
      Effect.zipRight(
        callback((done) => syncDirectory(path, done)),
        attempt(() => held.expectSame(path))
      ),
    lock: (directory, mode = "write") => Effect.asVoid(locked(held, directory, mode, fileMode))
  }
}

/**
 * Files of the machine, for the user alone; see `makeWith`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<StorageService, never, FileSystem.FileSystem> = makeWith({})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Storage, never, FileSystem.FileSystem> = Layer.effect(Storage, make)

/**
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (modes: Modes): Layer.Layer<Storage, never, FileSystem.FileSystem> =>
  Layer.effect(Storage, makeWith(modes))

/**
 * A Storage on a simulated disk.
 *
 * @internal
 */
export const fromMemoryDisk = (disk: MemoryDisk): StorageService => {
  const lock = (directory: string) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.filterOrFail(
          attempt(() => disk.lock(directory)),
          (isOwn) => isOwn,
          () => new StoreLocked({ directory })
        ),
        () => Effect.sync(() => disk.unlock(directory))
      )
    )
  return {
    driver: disk,
    yieldToEventLoop: turn(disk),
    makeDirectory: (path) => attempt(() => disk.makeDirectory(path)),
    exists: (path) => attempt(() => disk.exists(path)),
    list: (path) => attempt(() => disk.list(path)),
    rename: (from, to) => attempt(() => disk.rename(from, to)),
    remove: (path) => attempt(() => disk.remove(path)),
    link: (from, to) => attempt(() => disk.link(from, to)),
    syncDirectory: (path) => callback((done) => disk.syncDirectory(path, done)),
    lock
  }
}

/**
 * A file system in memory. Every store opened on the same one finds what was written before.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<StorageService> = Effect.sync(() => fromMemoryDisk(new MemoryDisk()))

/**
 * A file system in memory. This layer is a constant, so a program that provides it in several places builds one file system and shares it, unless
 * each place has a `Layer.fresh` of it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Storage> = Layer.effect(Storage, makeMemory)
