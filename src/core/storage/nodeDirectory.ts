import * as fs from "node:fs"
import { toFailure } from "./nodeFile.js"

/** Called when an operation has ended. */
export type Done = (failure: Error | undefined) => void

// Here and below, no failure is null on Node and undefined on Deno.
const report = (operation: string, path: string, done: Done) => (cause: NodeJS.ErrnoException | null) =>
  done(cause ? toFailure(operation, path, cause) : undefined)

/** The names in a directory. */
export const listDirectory = (path: string): ReadonlyArray<string> => {
  try {
    return fs.readdirSync(path)
  } catch (cause) {
    throw toFailure("list", path, cause)
  }
}

/** Makes a directory's entries durable. Does nothing on Windows, which cannot sync a directory. */
export const syncDirectory = (path: string, done: Done): void => {
  if (process.platform === "win32") return done(undefined)
  fs.open(path, "r", (openCause, fd) => {
    // A failure to open is not a failed sync, so the caller may try again.
    if (openCause) return done(toFailure("open", path, openCause))
    fs.fsync(fd, (cause) => {
      fs.close(fd, () => done(cause ? toFailure("sync directory", path, cause) : undefined))
    })
  })
}

/** Creates one directory. Succeeds if the directory exists. */
export const makeDirectory = (path: string, mode: number, done: Done): void => {
  const operation = "make directory"
  // Another process may create it at the same time, so checking first would not help.
  fs.mkdir(path, { mode }, (cause) => {
    if (cause?.code !== "EEXIST") return report(operation, path, done)(cause)
    fs.stat(path, (statCause, stats) => {
      if (statCause) return done(toFailure("stat", path, statCause))
      done(stats.isDirectory() ? undefined : toFailure(operation, path, { code: "ENOTDIR" }))
    })
  })
}

/** Checks whether a file or directory exists. */
export const exists = (path: string, done: (failure: Error | undefined, isThere: boolean) => void): void =>
  fs.access(path, (cause) => {
    if (!cause) return done(undefined, true)
    done(cause.code === "ENOENT" ? undefined : toFailure("stat", path, cause), false)
  })

export const rename = (from: string, to: string, done: Done): void => fs.rename(from, to, report("rename", from, done))

export const removeFile = (path: string, done: Done): void => fs.unlink(path, report("remove", path, done))

/** Removes an empty directory. */
export const removeDirectory = (path: string, done: Done): void =>
  fs.rmdir(path, report("remove directory", path, done))

/** Gives a file a second name, which must not exist. */
export const linkFile = (from: string, to: string, done: Done): void => fs.link(from, to, report("link", from, done))
