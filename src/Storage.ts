/**
 * The only way of all other components to files.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { lockDirectory } from "./core/lock/directoryLock.js"
import { HeldDirectories } from "./core/lock/heldDirectories.js"
import { MemoryDisk } from "./core/storage/memoryFile.js"
import * as nodeDirectory from "./core/storage/nodeDirectory.js"
import { makeNodeDriver } from "./core/storage/nodeFile.js"
import type { LockMode, StorageDriver, StorageFile } from "./core/storage/storageDriver.js"
import { callback as waitFor } from "./internal/effect/callback.js"
import { type FileError, fromFailure, StoreLocked } from "./LsmError.js"
import { defaultDirectoryMode, defaultFileMode } from "./LsmOptions.js"

export {
  /**
   * A Storage throws this, and passes it to the callbacks of its syncs, when the system refuses an
   * operation. `code` is the code of the system, such as `ENOSPC`.
   *
   * @since 3.0.0
   * @category models
   */
  StorageFailure
} from "./core/storage/failure.js"
export type {
  /**
   * How a directory is locked. A reader leaves no trace in it.
   *
   * @since 3.0.0
   * @category models
   */
  LockMode,
  /**
   * The synchronous half of a Storage, which throws `StorageFailure`.
   *
   * @since 3.0.0
   * @category models
   */
  StorageDriver,
  /**
   * An open file: positional reads, appends and syncs as plain functions.
   *
   * @since 3.0.0
   * @category models
   */
  StorageFile
} from "./core/storage/storageDriver.js"

/**
 * Permissions of new files and directories. The umask narrows them further.
 *
 * @since 3.0.0
 * @category models
 */
export interface Modes {
  /** Default 0o600: only the user may read and write. */
  readonly fileMode?: number | undefined
  /** Default 0o700. */
  readonly directoryMode?: number | undefined
}

/**
 * Files as the engine needs them. Operations on whole files are Effects; those on blocks and
 * records are in `driver`.
 *
 * @since 3.0.0
 * @category models
 */
export interface StorageService {
  readonly driver: StorageDriver
  /** Lets the event loop run once. */
  readonly yieldToEventLoop: Effect.Effect<void>
  /** Makes one directory, or returns if it exists. The directory is not durable yet. */
  readonly makeDirectory: (path: string) => Effect.Effect<void, FileError>
  readonly exists: (path: string) => Effect.Effect<boolean, FileError>
  /** The names in a directory. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, FileError>
  /** Renames a file, or a directory with its files. A directory may replace an empty one. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, FileError>
  readonly remove: (path: string) => Effect.Effect<void, FileError>
  /**
   * Removes an empty directory. Optional: without it, an interrupted checkpoint leaves an empty
   * directory behind.
   *
   * @since 3.1.0
   */
  readonly removeDirectory?: (path: string) => Effect.Effect<void, FileError>
  /** Gives a file a second name. Fails if the name is taken. */
  readonly link: (from: string, to: string) => Effect.Effect<void, FileError>
  /** Makes the entries of a directory durable. */
  readonly syncDirectory: (path: string) => Effect.Effect<void, FileError>
  /**
   * Owns an existing directory until the scope ends. Fails with `StoreLocked` if it has an owner.
   * The default mode is `"write"`. A reader leaves no trace. If it may not write to the directory,
   * it does not own it and only checks that there is no owner.
   */
  readonly lock: (directory: string, mode?: LockMode) => Effect.Effect<void, FileError | StoreLocked, Scope.Scope>
}

/**
 * @since 3.0.0
 * @category tags
 */
export class Storage extends Context.Tag("effect-lsm/Storage")<Storage, StorageService>() {}

/**
 * Runs synchronous code on a driver. A `StorageFailure` that it throws becomes the matching error.
 *
 * @since 3.0.0
 * @category combinators
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
 * An Effect of a function that calls back with a failure or undefined. It is uninterruptible once
 * it has started: the outcome of an abandoned sync would be unknown.
 *
 * @since 3.0.0
 * @category combinators
 */
export const callback = (run: (done: (failure: Error | undefined) => void) => void): Effect.Effect<void, FileError> =>
  Effect.uninterruptible(
    waitFor<void, FileError>((resume) => {
      try {
        run((failure) => resume(failure === undefined ? Effect.void : Effect.fail(fromFailure(failure))))
      } catch (failure) {
        resume(Effect.fail(fromFailure(failure)))
      }
    })
  )

/**
 * Makes everything appended to a file durable.
 *
 * @since 3.0.0
 * @category combinators
 */
export const syncFile = (file: StorageFile): Effect.Effect<void, FileError> => callback((done) => file.sync(done))

const yieldWith = (driver: StorageDriver): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    driver.yieldToEventLoop(() => resume(Effect.void))
  })

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
 * Files of this machine through Node. New files and directories get these modes.
 *
 * It uses `node:fs` alone: Effect's `FileSystem` has no positional read without a cursor, no
 * `fdatasync`, no sync of a directory and no lock.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeWith = ({
  fileMode = defaultFileMode,
  directoryMode = defaultDirectoryMode
}: Modes): Effect.Effect<StorageService> =>
  Effect.sync(() => {
    const held = new HeldDirectories()
    const driver = held.guard(makeNodeDriver(fileMode))
    return {
      driver,
      yieldToEventLoop: yieldWith(driver),
      makeDirectory: (path) => callback((done) => nodeDirectory.makeDirectory(path, directoryMode, done)),
      exists: (path) =>
        Effect.suspend(() => {
          let found = false
          const look = callback((done) =>
            nodeDirectory.exists(path, (failure, isThere) => {
              found = isThere
              done(failure)
            })
          )
          return Effect.map(look, () => found)
        }),
      list: (path) =>
        attempt(() => {
          held.expectSame(path)
          return nodeDirectory.listDirectory(path)
        }),
      rename: (from, to) =>
        Effect.zipRight(
          attempt(() => held.expectSameOf(to)),
          callback((done) => nodeDirectory.rename(from, to, done))
        ),
      remove: (path) =>
        Effect.zipRight(
          attempt(() => held.expectSameOf(path)),
          callback((done) => nodeDirectory.removeFile(path, done))
        ),
      removeDirectory: (path) =>
        Effect.zipRight(
          attempt(() => held.expectSame(path)),
          callback((done) => nodeDirectory.removeDirectory(path, done))
        ),
      link: (from, to) => callback((done) => nodeDirectory.linkFile(from, to, done)),
      // Check last: if the directory was replaced before now, files may have been made in the new
      // one.
      syncDirectory: (path) =>
        Effect.zipRight(
          callback((done) => nodeDirectory.syncDirectory(path, done)),
          attempt(() => held.expectSame(path))
        ),
      lock: (directory, mode = "write") => Effect.asVoid(locked(held, directory, mode, fileMode))
    }
  })

/**
 * Files of this machine through Node. Only the user may read and write them; see `makeWith`.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make: Effect.Effect<StorageService> = makeWith({})

/**
 * @since 3.0.0
 * @category layers
 */
export const layer: Layer.Layer<Storage> = Layer.effect(Storage, make)

/**
 * @since 3.0.0
 * @category layers
 */
export const layerWith = (modes: Modes): Layer.Layer<Storage> => Layer.effect(Storage, makeWith(modes))

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
    yieldToEventLoop: yieldWith(disk),
    makeDirectory: (path) => attempt(() => disk.makeDirectory(path)),
    exists: (path) => attempt(() => disk.exists(path)),
    list: (path) => attempt(() => disk.list(path)),
    rename: (from, to) => attempt(() => disk.rename(from, to)),
    remove: (path) => attempt(() => disk.remove(path)),
    removeDirectory: (path) => attempt(() => disk.removeDirectory(path)),
    link: (from, to) => attempt(() => disk.link(from, to)),
    syncDirectory: (path) => callback((done) => disk.syncDirectory(path, done)),
    lock
  }
}

/**
 * A file system in memory. A store that is opened on it again finds its data.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<StorageService> = Effect.sync(() => fromMemoryDisk(new MemoryDisk()))

/**
 * A file system in memory. This layer is a constant: a program that provides it in several places
 * shares one file system, unless each place uses `Layer.fresh`.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Storage> = Layer.effect(Storage, makeMemory)
