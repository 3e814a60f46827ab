import * as fs from "node:fs"
import type { Server } from "node:net"
import { StorageFailure } from "../storage/failure.js"
import { lockName } from "../storage/fileNames.js"
import { toFailure } from "../storage/nodeFile.js"
import type { LockMode } from "../storage/storageDriver.js"
import { type FileLock, lockByFlock, lockByOpenFlag } from "./fileLock.js"
import { isLocalDirectory } from "./fileSystems.js"
import { drawOwnerName, isOwnerName, isTemporaryOwnerName, temporaryOf } from "./lockNames.js"
import { fitsSocket, isImpossible, listenAt, probe, setSocketMode } from "./lockSocket.js"
import { encodeRecord, judgeRecord, type OwnerRecord, ownRecord, readRecord } from "./ownerRecord.js"

/**
 * One owner a directory. An owner has a name there, LOCK-<16 hexadecimal digits>, which says by itself whether the owner is at work:
 *
 * - a Unix domain socket that the owner listens at. The kernel refuses to connect to it once the owner's process is gone, however it
 *   ended, and whatever namespaces the two processes are in;
 * - if sockets are impossible, a file that names the owner's process (see `OwnerRecord`).
 *
 * A process that wants the directory looks for owners, takes a name, and looks again. Why that leaves one owner:
 *
 * 1. A name is live from the moment it is there: it is made under another name, made to listen, and then renamed.
 * 2. A name is drawn anew each time and never used again. One that was not live once is never live again, so it may be
 *    removed at any time.
 * 3. Nobody removes a live name but its owner, when it lets the directory go.
 * 4. An owner's second look saw its own name, and no other that is live. Of two processes the one that took its name last sees the other's in
 *    its second look, by 1 and 3: two cannot be owners at the same time.
 * 5. Of those that see each other in their second looks the one with the smallest name stays, and looks again until the others have gone: one of
 *    them becomes the owner. It gives up after a while, for the other may be an owner that it did not see in its first look.
 *
 * Numbers in order, each taken by link(2), would do without 5. But a number that was removed is taken again, and one that was seen as
 * stale may then be live: 2 would not hold.
 *
 * On a file system that other machines may reach, a socket of theirs refuses like a stale one. There the owner has `flock(2)` of the file LOCK
 * as well, and names are removed under that lock only. On macOS and the BSDs LOCK is opened with O_EXLOCK, and that is all.
 *
 * A reader does the same if it may write to the directory, and leaves no trace. If it may not, it only looks.
 */
export type DirectoryLock =
  | { readonly isOwn: true; readonly release: () => void }
  /** Somebody else owns it; or may own it, and then `reason` says why that is not known, and what to do. */
  | { readonly isOwn: false; readonly reason?: string | undefined }

const taken: DirectoryLock = { isOwn: false }

/** What `lockDirectory` works with. Tests give other ones. */
export interface LockMeans {
  readonly isLocal: (directory: string) => boolean
  /** Undefined if no socket can be there. */
  readonly listen: (path: string) => Promise<Server | undefined>
  readonly self: (flock: boolean) => OwnerRecord
}

const systemMeans: LockMeans = { isLocal: isLocalDirectory, listen: listenAt, self: ownRecord }

/** Each, the last first, though others fail. */
const releaseAll = (releases: Array<() => void>): void => {
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      release()
    } catch {
      // What is left of a lock that is let go is stale, and the next owner removes it.
    }
  }
}

/** @throws StorageFailure */
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

/** Undefined when all is had that `releases` lets go. */
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
 * How names of a directory are reached: by its descriptor, through /proc, so that long paths fit a socket's name and a directory that is renamed stays
 * the same one. The descriptor must be kept as long as the socket, which libuv unlinks by that path when it is closed.
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
  /** The names of others that are live. */
  readonly live: ReadonlyArray<string>
  /** Names whose owners are gone. */
  readonly gone: ReadonlyArray<string>
  /** Why it is not known of one whether its owner is gone. */
  readonly unknown: string | undefined
  readonly sawOwn: boolean
}

/** Looks after which the smallest name gives up; the waits between them are 1, 2, 4 … milliseconds, a second in all. */
const mostLooks = 11
/** Names that are drawn at most, for others may remove one that is not complete. */
const mostNames = 20

/** A name that cannot be removed is stale, does no harm, and is tried again by the next owner. */
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
    // Names keep vanishing: most likely the directory has.
    throw new StorageFailure("lock", this.directory, "ENOENT")
  }

  /** Looks until the directory is ours, or not. The result is what the owner saw; it has not seen its own name if somebody has removed it. */
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
      // A name that is not complete is nobody's yet.
      else if (state !== "foreign" && !isTemporary) {
        if (state === "live") live.push(name)
        else
          unknown ??= `${name} is of ${state.unknown}; if that is not at work any more, remove ${this.directory}/${name}`
      }
    }
    return { live, gone, unknown, sawOwn: names.includes(own) }
  }

  /** What a name is of. What is neither a socket nor a record is foreign, and left alone. */
  private async judge(name: string): Promise<"live" | "gone" | "foreign" | { readonly unknown: string }> {
    const path = `${this.prefix}/${name}`
    try {
      const stat = fs.lstatSync(path)
      if (stat.isSocket()) {
        const outcome = await probe(path)
        if (outcome === "live" || outcome === "foreign") return outcome
        return this.place.isLocal || this.place.hasFlock || outcome === "missing"
          ? "gone"
          : { unknown: "a socket, of which the program flock could say more" }
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

  /** Takes a name; the result gives it back. Undefined if somebody has removed it before it was complete. */
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
      // Some file systems make a socket, and allow no more than that.
      if (server !== undefined && isImpossible(cause)) return this.announce(own, fileMode, false)
      throw cause
    }
    // The name goes first: as long as it is there its owner must be.
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
