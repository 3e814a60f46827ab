/**
 * The narrow file port that every other component reaches files through.
 *
 * @since 0.1.0
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
import { type FileError, fromFailure, StoreLocked } from "./LsmError.js"
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
 * Runs synchronous code on a driver: a `StorageFailure` that it throws becomes the error of the same meaning.
 *
 * @since 0.1.0
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
 * An Effect of a function that calls back with a failure or nothing. Once begun it is not interrupted: nobody
 * could say what an abandoned sync has done.
 *
 * @since 0.1.0
 * @category combinators
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

const yieldWith = (driver: StorageDriver): Effect.Effect<void> =>
  Effect.async<void>((resume) => driver.yieldToEventLoop(() => resume(Effect.void)))

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
 * Files of this machine through Node, made with other modes than the defaults.
 *
 * It uses `node:fs` alone: `@effect/platform`'s `FileSystem` has no positional read without a cursor, no `fdatasync`, no sync of a
 * directory and no lock.
 *
 * @since 0.1.0
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
      link: (from, to) => callback((done) => nodeDirectory.linkFile(from, to, done)),
      // The check comes last: a directory that was replaced before now may hold what was made meanwhile.
      syncDirectory: (path) =>
        Effect.zipRight(
          callback((done) => nodeDirectory.syncDirectory(path, done)),
          attempt(() => held.expectSame(path))
        ),
      lock: (directory, mode = "write") => Effect.asVoid(locked(held, directory, mode, fileMode))
    }
  })

/**
 * Files of this machine through Node, for the user alone; see `makeWith`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<StorageService> = makeWith({})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Storage> = Layer.effect(Storage, make)

/**
 * @since 0.1.0
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
