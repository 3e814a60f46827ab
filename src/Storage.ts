/**
 * The narrow file port that every other component reaches files through.
 *
 * @since 0.1.0
 */
import { dirname } from "node:path"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { claimDirectory, type DirectoryLock, lockDirectory } from "./internal/directoryLock.js"
import { StorageFailure } from "./internal/failure.js"
import { MemoryDisk } from "./internal/memoryFile.js"
import { listDirectory, nodeDriver, syncDirectory } from "./internal/nodeFile.js"
import type { LockMode, StorageDriver, StorageFile } from "./internal/storageDriver.js"
import { type FileError, fromFailure, StoreLocked } from "./LsmError.js"

export {
  /**
   * What a Storage throws, and hands to the callbacks of its syncs, when the system refuses an operation: `code` is the
   * system's own, such as `ENOSPC`.
   *
   * @since 0.1.0
   * @category models
   */
  StorageFailure
} from "./internal/failure.js"
export type {
  /**
   * How a directory is locked: a reader changes no byte of it.
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
} from "./internal/storageDriver.js"

/**
 * Files as the engine needs them. What runs once a file is an Effect; what runs once a block or a record is in `driver`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StorageService {
  readonly driver: StorageDriver
  /** Lets the event loop turn once. */
  readonly turn: Effect.Effect<void>
  /** Makes a directory and those above it. */
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
   * Owns the directory until the scope ends; fails with `StoreLocked`, at once, when it has an owner. A reader (default: a writer)
   * changes nothing.
   */
  readonly lock: (directory: string, mode?: LockMode) => Effect.Effect<void, FileError | StoreLocked, Scope.Scope>
  /**
   * The same at less cost, for who has nothing to change yet; the directory is made if it is missing. The answer, run before the first change, takes the
   * lock itself, and fails with `StoreLocked` where the directory has an owner whom the claim does not know. A Storage may do without.
   */
  readonly claim?: (
    directory: string
  ) => Effect.Effect<Effect.Effect<void, FileError | StoreLocked>, FileError | StoreLocked, Scope.Scope>
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
  Effect.async<void>((resume) => driver.turn(() => resume(Effect.void)))

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

/** An Effect of a function that calls back with what is owned, with neither when somebody else owns it, or with a failure. */
const answered = <A>(
  directory: string,
  run: (done: (failure: Error | undefined, own: A | undefined) => void) => void
): Effect.Effect<A, FileError | StoreLocked> =>
  Effect.uninterruptible(
    Effect.async<A, FileError | StoreLocked>((resume) =>
      run((failure, own) => {
        if (own !== undefined) resume(Effect.succeed(own))
        else resume(Effect.fail(failure === undefined ? new StoreLocked({ directory }) : fromFailure(failure)))
      })
    )
  )

const owned = (directory: string, run: Parameters<typeof answered<DirectoryLock>>[1]) =>
  Effect.acquireRelease(answered(directory, run), (lock) => Effect.sync(lock.release))

/**
 * Files of the machine: directories through the platform's `FileSystem`; positional reads, fdatasync, directory syncs and the
 * lock, which it does not have, through Node, and so the names in a directory, for which opening a store would wait for the thread pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<StorageService, never, FileSystem.FileSystem> = Effect.map(
  FileSystem.FileSystem,
  (fs): StorageService => {
    // Not interrupted once begun, as in `callback`: an abandoned rename would still happen, after the directory is let go.
    const named = <A>(operation: string, path: string, effect: Effect.Effect<A, PlatformError>) =>
      Effect.uninterruptible(Effect.mapError(effect, (error) => fromPlatform(operation, path, error)))
    // Level by level: Node's own recursive mkdir never returns where a parent exists and refuses (such as /proc).
    const makeDirectory = (path: string): Effect.Effect<void, FileError> =>
      Effect.flatMap(named("stat", path, fs.exists(path)), (exists) => {
        if (exists) return Effect.void
        const parent = dirname(path)
        const one = named("make directory", path, fs.makeDirectory(path))
        return parent === path ? one : Effect.zipRight(makeDirectory(parent), one)
      })
    return {
      driver: nodeDriver,
      turn: turn(nodeDriver),
      makeDirectory,
      exists: (path) => named("stat", path, fs.exists(path)),
      list: (path) => attempt(() => listDirectory(path)),
      rename: (from, to) => named("rename", from, fs.rename(from, to)),
      remove: (path) => named("remove", path, fs.remove(path)),
      link: (from, to) => named("link", from, fs.link(from, to)),
      syncDirectory: (path) => callback((done) => syncDirectory(path, done)),
      lock: (directory, mode = "write") =>
        Effect.asVoid(owned(directory, (done) => lockDirectory(directory, mode, done))),
      claim: (directory) => {
        const claim = owned(directory, (done) => claimDirectory(directory, "write", done))
        return claim.pipe(
          Effect.catchIf(
            (error) => error._tag === "StorageError" && error.code === "ENOENT",
            () => Effect.zipRight(makeDirectory(directory), claim)
          ),
          Effect.map(({ secure }) =>
            answered<true>(directory, (done) => secure((failure, isOwn) => done(failure, isOwn || undefined)))
          )
        )
      }
    }
  }
)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Storage, never, FileSystem.FileSystem> = Layer.effect(Storage, make)

/**
 * A Storage on a simulated disk.
 *
 * @internal
 */
export const fromMemoryDisk = (disk: MemoryDisk): StorageService => {
  const lock = (directory: string) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.suspend(() => (disk.lock(directory) ? Effect.void : Effect.fail(new StoreLocked({ directory })))),
        () => Effect.sync(() => disk.unlock(directory))
      )
    )
  return {
    driver: disk,
    turn: turn(disk),
    makeDirectory: (path) => attempt(() => disk.makeDirectory(path)),
    exists: (path) => attempt(() => disk.exists(path)),
    list: (path) => attempt(() => disk.list(path)),
    rename: (from, to) => attempt(() => disk.rename(from, to)),
    remove: (path) => attempt(() => disk.remove(path)),
    link: (from, to) => attempt(() => disk.link(from, to)),
    syncDirectory: (path) => callback((done) => disk.syncDirectory(path, done)),
    lock,
    claim: (directory) =>
      attempt(() => disk.makeDirectory(directory)).pipe(Effect.zipRight(lock(directory)), Effect.as(Effect.void))
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
