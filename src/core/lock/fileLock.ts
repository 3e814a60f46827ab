import * as fs from "node:fs"
import type { LockMode } from "../storage/storageDriver.js"

const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_RDWR } = fs.constants

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

/**
 * A function that releases the lock, or why there is no lock. `absent`: there is no file, or none
 * that a reader may open.
 */
export type FileLock = (() => void) | "taken" | "absent" | "no program"

/**
 * `flock(2)` of a file. Node does not have it, so the program `flock` inherits the descriptor,
 * locks the open file description and exits. The kernel releases the lock when this process closes
 * the descriptor or ends, however it ends.
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
  // Loaded on demand, because most stores do not need it.
  const { spawn } = await import("node:child_process")
  return new Promise((resolve, reject) => {
    // If the working directory had been removed, spawn would report a missing program.
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

/** O_EXLOCK of the BSDs, which is missing from Node's constants. */
const exclusiveLockFlag = 0x20

/**
 * The same lock, taken by opening the file. Follows the documentation of open(2) of macOS and the
 * BSDs; not tested on such a system.
 */
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
