import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import { toFailure } from "./nodeFile.js"
import type { LockMode } from "./storageDriver.js"

/** Called back with how to let the lock go, with nothing when somebody else has it, or with a failure. */
export type Done = (failure: Error | undefined, release: (() => void) | undefined) => void

export const nothingToRelease = (): void => undefined

export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === "ENOENT"

/**
 * `flock(2)`. Node has none, so the open descriptor is handed to the program `flock`, which locks the open file description and ends; the
 * kernel drops the lock when this process's descriptor is gone, however it ends. Without such a program: the process id.
 */
export const lockByFlock = (fd: number, path: string, mode: LockMode, done: Done): void => {
  let answered = false
  const answer: Done = (failure, release) => {
    if (answered) return
    answered = true
    done(failure, release)
  }
  let child: ChildProcess
  try {
    child = spawn("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "ignore", fd] })
  } catch (cause) {
    // What is no error of the program itself, such as want of memory, is thrown.
    return answer(toFailure("lock", path, cause), undefined)
  }
  child.on("error", (cause: NodeJS.ErrnoException) => {
    if (answered) return
    if (cause.code !== "ENOENT") return answer(toFailure("lock", path, cause), undefined)
    answered = true
    lockByProcessId(path, mode, done)
  })
  child.on("close", (code) => {
    if (code === 0) answer(undefined, nothingToRelease)
    else if (code === 1) answer(undefined, undefined)
    else answer(toFailure("lock", path, { code: `flock exited with ${code}` }), undefined)
  })
}

/** O_EXLOCK of the BSDs, which Node's constants do not name. */
const exclusiveLockFlag = 0x20

/** The same lock, had by opening the file. From the documentation of open(2) of macOS and the BSDs; not tested on such a system. */
export const lockByOpenFlag = (path: string, mode: LockMode, done: Done): void => {
  const { O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
  const access = mode === "read" ? O_RDONLY : O_RDWR | O_CREAT
  try {
    const fd = fs.openSync(path, access | O_NONBLOCK | exclusiveLockFlag)
    done(undefined, () => fs.closeSync(fd))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EAGAIN") done(undefined, undefined)
    else if (mode === "read" && isMissing(cause)) done(undefined, nothingToRelease)
    else done(toFailure("lock", path, cause), undefined)
  }
}

/**
 * The file holds the owner's process id. A lock whose process is gone is taken over; two processes that take over at the same moment
 * are not told apart. A reader looks at it and leaves none.
 */
export const lockByProcessId = (path: string, mode: LockMode, done: Done): void => {
  try {
    const owner = fs.existsSync(path) ? Number(fs.readFileSync(path, "utf8")) : 0
    if (owner > 0 && owner !== process.pid && isRunning(owner)) return done(undefined, undefined)
    if (mode === "read") return done(undefined, nothingToRelease)
    fs.writeFileSync(path, String(process.pid))
    done(undefined, () => {
      try {
        fs.writeFileSync(path, "")
      } catch {
        // Where there is no room for it the next owner finds that this process is gone.
      }
    })
  } catch (cause) {
    done(toFailure("lock", path, cause), undefined)
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}
