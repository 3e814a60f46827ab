import * as fs from "node:fs"
import type { LockMode } from "../storage/storageDriver.js"

const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_RDWR } = fs.constants

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

/** A lock that is had, with the way to let it go; or why there is none. `absent`: there is nothing that a reader could lock. */
export type FileLock = (() => void) | "taken" | "absent" | "no program"

/**
 * `flock(2)` of a file. Node has none, so the open descriptor is handed to the program `flock`, which locks the open file description and
 * ends; the kernel drops the lock when this process's descriptor is gone, however it ends.
 */
export const lockByFlock = async (path: string, mode: LockMode, fileMode: number): Promise<FileLock> => {
  let fd: number
  try {
    fd = fs.openSync(path, (mode === "read" ? O_RDONLY : O_RDWR | O_APPEND | O_CREAT) | O_NOFOLLOW, fileMode)
  } catch (cause) {
    if (mode === "read" && (codeOf(cause) === "ENOENT" || codeOf(cause) === "EACCES")) return "absent"
    throw cause
  }
  try {
    const outcome = await runFlock(fd)
    if (outcome === "held") return () => fs.closeSync(fd)
    fs.closeSync(fd)
    return outcome
  } catch (cause) {
    fs.closeSync(fd)
    throw cause
  }
}

const runFlock = async (fd: number): Promise<"held" | "taken" | "no program"> => {
  // Most stores never want it.
  const { spawn } = await import("node:child_process")
  return new Promise((resolve, reject) => {
    // A working directory that has gone would be reported as a missing program.
    const child = spawn("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "ignore", fd], cwd: "/" })
    child.on("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") resolve("no program")
      else reject(cause)
    })
    child.on("close", (code) => {
      if (code === 0) resolve("held")
      else if (code === 1) resolve("taken")
      else reject(Object.assign(new Error("flock failed"), { code: `flock exited with ${code}` }))
    })
  })
}

/** O_EXLOCK of the BSDs, which Node's constants do not name. */
const exclusiveLockFlag = 0x20

/** The same lock, had by opening the file. From the documentation of open(2) of macOS and the BSDs; not tested on such a system. */
export const lockByOpenFlag = (path: string, mode: LockMode, fileMode: number): FileLock => {
  const access = mode === "read" ? O_RDONLY : O_RDWR | O_CREAT
  try {
    const fd = fs.openSync(path, access | O_NONBLOCK | O_NOFOLLOW | exclusiveLockFlag, fileMode)
    return () => fs.closeSync(fd)
  } catch (cause) {
    if (codeOf(cause) === "EAGAIN") return "taken"
    if (mode === "read" && codeOf(cause) === "ENOENT") return "absent"
    throw cause
  }
}
