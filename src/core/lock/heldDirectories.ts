import * as fs from "node:fs"
import { dirname } from "node:path"
import { StorageFailure } from "../storage/failure.js"
import type { StorageDriver } from "../storage/storageDriver.js"

/**
 * The identity of the directory at a path; undefined if there is none or if it is unknown. Not used
 * on Windows: a directory cannot be renamed there while files in it are open, and some of its file
 * systems change file numbers.
 */
const identityOf = (path: string): string | undefined => {
  if (process.platform === "win32") return undefined
  try {
    const { dev, ino } = fs.statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/**
 * The locked directories, by path. A lock covers the directory that was at its path when it was
 * taken, but files are opened by path. If that directory is renamed and another takes its path, the
 * new one may hold another owner's store, so nothing in it may be read, removed or written.
 */
export class HeldDirectories {
  private readonly identities = new Map<string, string>()

  /** Call it once the lock is held. Call the result before the lock is released. */
  hold(directory: string): () => void {
    const identity = identityOf(directory)
    if (identity !== undefined) this.identities.set(directory, identity)
    return () => this.identities.delete(directory)
  }

  /**
   * Checks that the locked directory is still at its path. A directory that has vanished passes,
   * because operations in it fail anyway.
   *
   * @throws StorageFailure
   */
  expectSame(directory: string): void {
    const held = this.identities.get(directory)
    if (held === undefined) return
    const found = identityOf(directory)
    if (found !== undefined && found !== held) throw new StorageFailure("lock", directory, "ESTALE")
  }

  /** The same for the directory of a file. @throws StorageFailure */
  expectSameOf(path: string): void {
    this.expectSame(dirname(path))
  }

  /** A driver that does not open or create files in a directory that has replaced a locked one. */
  guard(driver: StorageDriver): StorageDriver {
    return {
      ...driver,
      openRead: (path) => {
        this.expectSameOf(path)
        return driver.openRead(path)
      },
      create: (path) => {
        this.expectSameOf(path)
        return driver.create(path)
      }
    }
  }
}
