import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { lockName } from "./fileNames.js"
import { toFailure } from "./nodeFile.js"
import type { LockMode } from "./storageDriver.js"

/**
 * One owner a directory.
 *
 * Inside the process: a registry by device and inode, shared by all copies of this module.
 *
 * Between processes and worker threads:
 * - Linux: `flock(2)` on the file LOCK. Node has no flock, so an open descriptor is handed to the program `flock`, which locks
 *   the open file description and ends; the kernel drops the lock when this process's descriptor is gone, however it ends.
 * - macOS and the BSDs: the file is opened with O_EXLOCK, the same lock without a helper. From the documentation of open(2);
 *   not tested on such a system.
 * - Elsewhere, and where there is no `flock` program: the file holds the owner's process id. A lock whose
 *   process is gone is taken over. Two processes that take over at the same moment are not told apart.
 *
 * A reader takes the same lock without writing: LOCK is opened for reading, and where it does not exist there is nothing to
 * lock; where the lock is a process id, a reader looks at it and leaves none.
 */
export interface DirectoryLock {
  readonly release: () => void
}

const registry: Set<string> = globalValue(Symbol.for("effect-lsm/locks"), () => new Set())

function globalValue<A>(key: symbol, make: () => A): A {
  const store = globalThis as unknown as Record<symbol, A | undefined>
  const value = store[key] ?? make()
  store[key] = value
  return value
}

type Done = (failure: Error | undefined, lock: DirectoryLock | undefined) => void

/** Calls back with the lock, with neither when somebody else has it, or with a failure. */
export const lockDirectory = (directory: string, mode: LockMode, done: Done): void => {
  const path = `${directory}/${lockName}`
  let id: string
  try {
    const { dev, ino } = fs.statSync(directory, { bigint: true })
    id = `${dev}:${ino}`
  } catch (cause) {
    return done(toFailure("lock", path, cause), undefined)
  }
  if (registry.has(id)) return done(undefined, undefined)
  registry.add(id)
  const finish: Done = (failure, lock) => {
    if (lock === undefined) registry.delete(id)
    done(
      failure,
      lock && {
        release: () => {
          lock.release()
          registry.delete(id)
        }
      }
    )
  }
  if (process.platform === "linux") lockByFlock(path, mode, finish)
  else if (process.platform === "darwin" || process.platform.endsWith("bsd")) lockByOpenFlag(path, mode, finish)
  else lockByProcessId(path, mode, finish)
}

const held = (fd: number): DirectoryLock => ({ release: () => fs.closeSync(fd) })

/** What a reader has of a directory without LOCK. */
const nothingHeld: DirectoryLock = { release: () => undefined }

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === "ENOENT"

const lockByFlock = (path: string, mode: LockMode, done: Done): void => {
  let fd: number
  try {
    fd = fs.openSync(path, mode === "read" ? "r" : "a")
  } catch (cause) {
    if (mode === "read" && isMissing(cause)) return done(undefined, nothingHeld)
    return done(toFailure("lock", path, cause), undefined)
  }
  let answered = false
  const answer = (failure: Error | undefined, lock: DirectoryLock | undefined) => {
    if (answered) return
    answered = true
    if (lock === undefined) fs.closeSync(fd)
    done(failure, lock)
  }
  const child = spawn("flock", ["-n", "-x", "3"], { stdio: ["ignore", "ignore", "ignore", fd] })
  child.on("error", (cause: NodeJS.ErrnoException) => {
    if (answered) return
    if (cause.code !== "ENOENT") return answer(toFailure("lock", path, cause), undefined)
    answered = true
    fs.closeSync(fd)
    lockByProcessId(path, mode, done)
  })
  child.on("close", (code) => {
    if (code === 0) answer(undefined, held(fd))
    else if (code === 1) answer(undefined, undefined)
    else answer(toFailure("lock", path, { code: `flock exited with ${code}` }), undefined)
  })
}

/** O_EXLOCK of the BSDs, which Node's constants do not name. */
const exclusiveLockFlag = 0x20

const lockByOpenFlag = (path: string, mode: LockMode, done: Done): void => {
  const { O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
  const access = mode === "read" ? O_RDONLY : O_RDWR | O_CREAT
  try {
    done(undefined, held(fs.openSync(path, access | O_NONBLOCK | exclusiveLockFlag)))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EAGAIN") done(undefined, undefined)
    else if (mode === "read" && isMissing(cause)) done(undefined, nothingHeld)
    else done(toFailure("lock", path, cause), undefined)
  }
}

const lockByProcessId = (path: string, mode: LockMode, done: Done): void => {
  try {
    const owner = fs.existsSync(path) ? Number(fs.readFileSync(path, "utf8")) : 0
    if (owner > 0 && owner !== process.pid && isRunning(owner)) return done(undefined, undefined)
    if (mode === "read") return done(undefined, nothingHeld)
    fs.writeFileSync(path, String(process.pid))
    done(undefined, { release: () => fs.writeFileSync(path, "") })
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
