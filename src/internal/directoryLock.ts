import * as fs from "node:fs"
import { claimName } from "./claimedName.js"
import { isMissing, lockByFlock, lockByOpenFlag, lockByProcessId, nothingToRelease } from "./fileLock.js"
import { lockName } from "./fileNames.js"
import { toFailure } from "./nodeFile.js"
import type { LockMode } from "./storageDriver.js"

/**
 * One owner a directory, in two steps:
 *
 * - a claim, which costs little and keeps away the other stores of this process (by a registry) and, on Linux, of the other
 *   processes and threads (by a name, see `claimName`). It is enough for who changes nothing;
 * - the lock of the file LOCK, which keeps away whoever reaches the directory: `flock(2)` on Linux, O_EXLOCK on macOS and the
 *   BSDs, a process id elsewhere. Who is to change anything must have it.
 *
 * Where a claim has no means of its own, it takes the lock at once. A reader locks without writing: LOCK is opened for reading, and where it
 * does not exist there is nothing to lock.
 */
export interface DirectoryLock {
  /** Takes the lock too; false when somebody else has it. */
  readonly secure: (done: (failure: Error | undefined, isOwn: boolean) => void) => void
  readonly release: () => void
}

/** Directories by device and inode, for all copies of this module. */
const registry: Set<string> = globalValue(Symbol.for("effect-lsm/locks"), () => new Set())

function globalValue<A>(key: symbol, make: () => A): A {
  const store = globalThis as unknown as Record<symbol, A | undefined>
  const value = store[key] ?? make()
  store[key] = value
  return value
}

type Done = (failure: Error | undefined, lock: DirectoryLock | undefined) => void

/** Calls back with the lock, which is secure, with neither when somebody else has it, or with a failure. */
export const lockDirectory = (directory: string, mode: LockMode, done: Done): void =>
  claimDirectory(directory, mode, (failure, claim) => {
    if (claim === undefined) return done(failure, undefined)
    claim.secure((refusal, isOwn) => {
      if (isOwn) return done(undefined, claim)
      claim.release()
      done(refusal, undefined)
    })
  })

/** Calls back with the claim, with neither when somebody else has one, or with a failure. */
export const claimDirectory = (directory: string, mode: LockMode, done: Done): void => {
  const path = `${directory}/${lockName}`
  let id: string
  try {
    id = identify(fs.statSync(directory, { bigint: true }))
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
        secure: lock.secure,
        release: () => {
          registry.delete(id)
          lock.release()
        }
      }
    )
  }
  if (process.platform === "linux") claimOnLinux(path, mode, finish)
  else {
    const take = process.platform === "darwin" || process.platform.endsWith("bsd") ? lockByOpenFlag : lockByProcessId
    take(path, mode, (failure, release) => finish(failure, release && { secure: isSecure, release }))
  }
}

const identify = ({ dev, ino }: fs.BigIntStats): string => `${dev}:${ino}`

const isSecure: DirectoryLock["secure"] = (done) => done(undefined, true)

/** Each, the last first, though others fail. */
const releaseAll = (releases: Array<() => void>): void => {
  const release = releases.pop()
  if (release === undefined) return
  try {
    release()
  } finally {
    releaseAll(releases)
  }
}

const claimOnLinux = (path: string, mode: LockMode, done: Done): void => {
  let fd: number
  let name: string
  try {
    fd = fs.openSync(path, mode === "read" ? "r" : "a")
    name = identify(fs.fstatSync(fd, { bigint: true }))
  } catch (cause) {
    if (mode === "read" && isMissing(cause)) done(undefined, { secure: isSecure, release: nothingToRelease })
    else done(toFailure("lock", path, cause), undefined)
    return
  }
  claimName(`effect-lsm/${name}`, (outcome) => {
    if (outcome === "taken") {
      fs.closeSync(fd)
      return done(undefined, undefined)
    }
    let isReleased = false
    const releases = [() => fs.closeSync(fd)]
    if (outcome !== "impossible") releases.push(outcome)
    const claim: DirectoryLock = {
      secure: (secured) => {
        // The descriptor's number may be another file's by now.
        if (isReleased) return secured(undefined, false)
        lockByFlock(fd, path, mode, (failure, release) => {
          if (release === undefined || isReleased) return secured(failure, false)
          releases.push(release)
          secured(undefined, true)
        })
      },
      release: () => {
        isReleased = true
        releaseAll(releases)
      }
    }
    if (outcome !== "impossible") return done(undefined, claim)
    claim.secure((failure, isOwn) => {
      if (isOwn) return done(undefined, { secure: isSecure, release: claim.release })
      claim.release()
      done(failure, undefined)
    })
  })
}
