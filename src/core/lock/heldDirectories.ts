import * as fs from "node:fs"
import { dirname } from "node:path"
import { StorageFailure } from "../storage/failure.js"
import type { StorageDriver } from "../storage/storageDriver.js"

/**
 * Which directory stands at a path; undefined if none does, or if that cannot be said. On Windows a directory is not renamed while files in
 * it are open, and on some of its file systems numbers of files change.
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
 * The directories that are locked, by path. Files are reached by their paths, and a lock is of the directory that was there when it was taken.
 * If that one is renamed and another is put at its path, a store of another owner may be there: nothing of it may be read, removed or
 * written beside it.
 */
export class HeldDirectories {
  private readonly identities = new Map<string, string>()

  /** To be called when the lock is had; the result is to be called before it is let go. */
  hold(directory: string): () => void {
    const identity = identityOf(directory)
    if (identity !== undefined) this.identities.set(directory, identity)
    return () => this.identities.delete(directory)
  }

  /** A directory that has vanished passes: what is done there fails by itself. @throws StorageFailure */
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

  /** A driver that opens and makes files in the directories that are held, and in none that has come to their place. */
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
