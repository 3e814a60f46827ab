import * as fs from "node:fs"
import { StorageFailure } from "../storage/failure.js"
import { lockName } from "../storage/fileNames.js"
import { toFailure } from "../storage/nodeFile.js"
import type { LockMode } from "../storage/storageDriver.js"
import { type FileLock, lockByFlock, lockByOpenFlag } from "./fileLock.js"
import { isLocalDirectory } from "./fileSystems.js"
import { drawOwnerName, isOwnerName, isTemporaryOwnerName, temporaryOf } from "./lockNames.js"
import { fitsSocket, isImpossible, listenAt, probe, type SocketState, setSocketMode } from "./lockSocket.js"
import type { Listener } from "./otherRuntimes.js"
import { encodeRecord, judgeRecord, type OwnerRecord, ownRecord, readRecord } from "./ownerRecord.js"

/**
 * One owner per directory. An owner has a name in the directory, LOCK-<16 hexadecimal digits>,
 * which shows whether the owner is running:
 *
 * - a Unix domain socket on which the owner listens. The kernel refuses connections to it once the
 *   owner's process is gone, however it ended, and whatever namespaces the two processes are in;
 * - if sockets are impossible, a file that identifies the owner's process (see `OwnerRecord`).
 *
 * A process that wants the directory looks for owners, takes a name, and looks again. This leaves
 * one owner, because:
 *
 * 1. A name is live as soon as it appears: it is created under a temporary name, made to listen,
 *    and then renamed.
 * 2. Names are drawn at random and never reused. A stale name is never live again, so it may be
 *    removed at any time.
 * 3. Only its owner removes a live name, when it releases the directory.
 * 4. An owner's second look found its own name and no other live name. Of two processes, the one
 *    that took its name last sees the other's name in its second look, by 1 and 3. So two processes
 *    cannot be owners at the same time.
 * 5. Of the processes that see each other in their second looks, the one with the smallest name
 *    stays and looks again until the others are gone, so that one of them becomes the owner. It
 *    gives up after a while, because another may be an owner that it missed in its first look.
 *
 * Names numbered in order, taken with link(2), would not need rule 5, but would break rule 2: a
 * removed number is taken again, so a number that was seen as stale may be live when it is removed.
 *
 * On a file system that other machines may reach, another machine's socket refuses connections like
 * a stale one. There the owner also holds `flock(2)` of the file LOCK, and stale sockets are
 * removed only under that lock. On macOS and the BSDs the lock is LOCK opened with O_EXLOCK, and
 * nothing else.
 *
 * A reader does the same if it may write to the directory, and leaves no files behind. Otherwise it
 * only looks for owners.
 */
export type DirectoryLock =
  | { readonly isOwn: true; readonly release: () => void }
  /** It has another owner. If that is not certain, `reason` says why and what to do. */
  | { readonly isOwn: false; readonly reason?: string | undefined }

const taken: DirectoryLock = { isOwn: false }

/** The system functions that `lockDirectory` uses. Tests replace them. */
export interface LockMeans {
  readonly isLocal: (directory: string) => boolean
  /** Undefined if a socket is impossible there. */
  readonly listen: (path: string) => Promise<Listener | undefined>
  readonly probe: (path: string) => Promise<SocketState>
  readonly self: (flock: boolean) => OwnerRecord
}

const systemMeans: LockMeans = {
  isLocal: isLocalDirectory,
  listen: (path) => listenAt(path),
  probe: (path) => probe(path),
  self: ownRecord
}

/** Calls every release, the last one first, even if some throw. */
const releaseAll = (releases: Array<() => void>): void => {
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      release()
    } catch {
      // The rest of a released lock is stale. The next owner removes it.
    }
  }
}

/** Locks a directory, or returns why it could not. @throws StorageFailure */
export const lockDirectory = async (
  directory: string,
  mode: LockMode,
  fileMode: number,
  means: LockMeans = systemMeans
): Promise<DirectoryLock> => {
  const releases: Array<() => void> = []
  try {
    const outcome = await take(directory, mode, fileMode, means, releases)
    if (outcome !== undefined) {
      releaseAll(releases)
      return outcome
    }
    return { isOwn: true, release: () => releaseAll(releases) }
  } catch (cause) {
    releaseAll(releases)
    throw cause instanceof StorageFailure ? cause : toFailure("lock", `${directory}/${lockName}`, cause)
  }
}

/** Returns undefined if the lock is held. `releases` then release it. */
const take = async (
  directory: string,
  mode: LockMode,
  fileMode: number,
  means: LockMeans,
  releases: Array<() => void>
): Promise<DirectoryLock | undefined> => {
  const path = `${directory}/${lockName}`
  const keep = (lock: FileLock): boolean => typeof lock === "function" && releases.push(lock) > 0
  if (process.platform === "darwin" || process.platform.endsWith("bsd")) {
    const lock = lockByOpenFlag(path, mode, fileMode)
    return keep(lock) || lock === "absent" ? undefined : taken
  }
  const isLocal = means.isLocal(directory)
  const flock = isLocal ? undefined : await lockByFlock(path, mode, fileMode)
  if (flock === "taken") return taken
  const hasFlock = flock !== undefined && keep(flock)
  const { prefix, close } = reach(directory)
  releases.push(close)
  const owners = new Owners(directory, prefix, { isLocal, hasFlock }, means)
  const hasSockets = process.platform === "linux" && flock !== "no program"
  return owners.join(mode, fileMode, hasSockets, releases)
}

/**
 * The prefix of paths in a directory: its descriptor in /proc. Long paths then fit into a socket's
 * address, and the prefix still names the same directory after a rename. Keep the descriptor open
 * as long as the socket, because some runtimes unlink the socket by that path when it closes.
 */
const reach = (directory: string): { readonly prefix: string; readonly close: () => void } => {
  if (process.platform !== "linux") {
    if (!fs.statSync(directory).isDirectory()) throw new StorageFailure("lock", directory, "ENOTDIR")
    return { prefix: directory, close: () => undefined }
  }
  const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  const prefix = `/proc/self/fd/${fd}`
  return { prefix: fs.existsSync(prefix) ? prefix : directory, close: () => fs.closeSync(fd) }
}

interface Sight {
  /** Live names of other processes. */
  readonly live: ReadonlyArray<string>
  /** Names whose owners are gone. */
  readonly gone: ReadonlyArray<string>
  /** Why it is not known whether a name's owner is gone. */
  readonly unknown: string | undefined
  readonly sawOwn: boolean
}

/**
 * Looks after which the process with the smallest name gives up. The waits between them are 1, 2, 4
 * … milliseconds, one second in total.
 */
const mostLooks = 11
/** The most names that are drawn. More than one, because others may remove an incomplete name. */
const mostNames = 20

/** Ignores failures: a stale name that remains is harmless, and the next owner tries again. */
const remove = (path: string): void => {
  try {
    fs.unlinkSync(path)
  } catch {}
}

const isRefusal = (cause: unknown): boolean =>
  ["EACCES", "EPERM", "EROFS"].includes(String((cause as NodeJS.ErrnoException).code))

class Owners {
  constructor(
    private readonly directory: string,
    private readonly prefix: string,
    private readonly place: { readonly isLocal: boolean; readonly hasFlock: boolean },
    private readonly means: LockMeans
  ) {}

  async join(
    mode: LockMode,
    fileMode: number,
    hasSockets: boolean,
    releases: Array<() => void>
  ): Promise<DirectoryLock | undefined> {
    for (let names = 0; names < mostNames; names++) {
      const before = await this.look("")
      const refusal = refusalOf(before)
      if (refusal !== undefined) return refusal
      const own = drawOwnerName()
      const withdraw = await this.announce(own, fileMode, hasSockets).catch((cause: unknown) => {
        if (mode === "read" && isRefusal(cause)) return "only looks" as const
        throw cause
      })
      if (withdraw === "only looks") return undefined
      if (withdraw === undefined) continue
      releases.push(withdraw)
      const outcome = await this.settle(own)
      if ("isOwn" in outcome) return outcome
      if (outcome.sawOwn) {
        if (mode === "write") this.clear(outcome)
        return undefined
      }
      releases.pop()
      withdraw()
    }
    // Names keep vanishing, most likely because the directory was removed.
    throw new StorageFailure("lock", this.directory, "ENOENT")
  }

  /**
   * Looks until it is clear whether the directory is ours. Returns the refusal, or what the owner
   * saw. The owner has not seen its own name if another process removed it.
   */
  private async settle(own: string): Promise<DirectoryLock | Sight> {
    for (let looks = 0; looks < mostLooks; looks++) {
      if (looks > 0) await new Promise((resolve) => setTimeout(resolve, 2 ** (looks - 1)))
      const sight = await this.look(own)
      const refusal = refusalOf(sight)
      if (refusal === undefined || !sight.sawOwn) return sight
      if (sight.unknown !== undefined || sight.live.some((name) => name < own)) return refusal
    }
    return taken
  }

  private async look(own: string): Promise<Sight> {
    const names = fs.readdirSync(this.prefix)
    const live: Array<string> = []
    const gone: Array<string> = []
    let unknown: string | undefined
    for (const name of names) {
      const isTemporary = isTemporaryOwnerName(name)
      if (name === own || !(isTemporary || isOwnerName(name))) continue
      const state = await this.judge(name)
      if (state === "gone") gone.push(name)
      // A temporary name has no owner yet.
      else if (state !== "foreign" && !isTemporary) {
        if (state === "live") live.push(name)
        else
          unknown ??= `${name} belongs to ${state.unknown}; if that is no longer running, remove ${this.directory}/${name}`
      }
    }
    return { live, gone, unknown, sawOwn: names.includes(own) }
  }

  /** Judges a name. A file that is neither a socket nor a record is foreign and is left alone. */
  private async judge(name: string): Promise<"live" | "gone" | "foreign" | { readonly unknown: string }> {
    const path = `${this.prefix}/${name}`
    try {
      const stat = fs.lstatSync(path)
      if (stat.isSocket()) {
        const outcome = await this.means.probe(path)
        if (outcome === "live" || outcome === "foreign") return outcome
        return this.place.isLocal || this.place.hasFlock || outcome === "missing"
          ? "gone"
          : { unknown: "an owner that cannot be checked without the program flock" }
      }
      if (!stat.isFile()) return "foreign"
      const record = readRecord(path)
      if (record === "foreign") return record
      if (record === "begun") return isTemporaryOwnerName(name) ? "gone" : "foreign"
      return judgeRecord(record, this.means.self(this.place.hasFlock), this.place)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "gone"
      throw toFailure("lock", `${this.directory}/${name}`, cause)
    }
  }

  /**
   * Takes a name. Returns a function that gives it back, or undefined if another process removed
   * the name before it was complete.
   */
  private async announce(own: string, fileMode: number, hasSockets: boolean): Promise<(() => void) | undefined> {
    const temporary = `${this.prefix}/${temporaryOf(own)}`
    const server = hasSockets && fitsSocket(temporary) ? await this.means.listen(temporary) : undefined
    const path = `${this.prefix}/${own}`
    try {
      if (server !== undefined) setSocketMode(temporary, fileMode)
      else this.writeRecord(temporary, fileMode)
      fs.renameSync(temporary, path)
    } catch (cause) {
      remove(temporary)
      server?.close()
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
      // Some file systems create a socket, but refuse to change its mode or to rename it.
      if (server !== undefined && isImpossible(cause)) return this.announce(own, fileMode, false)
      throw cause
    }
    // Remove the name before the socket closes, because a name must be live as long as it exists.
    return () => {
      remove(path)
      server?.close()
    }
  }

  private writeRecord(path: string, fileMode: number): void {
    const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_WRONLY } = fs.constants
    const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, fileMode)
    try {
      fs.writeSync(fd, encodeRecord(this.means.self(this.place.hasFlock)))
    } finally {
      fs.closeSync(fd)
    }
  }

  /** Removes the names of owners that are gone. */
  private clear({ gone }: Sight): void {
    for (const name of gone) remove(`${this.prefix}/${name}`)
  }
}

const refusalOf = ({ live, unknown }: Sight): DirectoryLock | undefined => {
  if (live.length > 0) return taken
  return unknown === undefined ? undefined : { isOwn: false, reason: unknown }
}
