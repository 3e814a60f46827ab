import * as fs from "node:fs"
import { StorageFailure } from "./failure.js"
import type { StorageDriver, StorageFile } from "./storageDriver.js"
import { SyncPace } from "./syncPace.js"

/** The `StorageFailure` for an error that Node threw. */
export const toFailure = (operation: string, path: string, cause: unknown): StorageFailure => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return new StorageFailure(operation, path, typeof code === "string" ? code : String(cause), { cause })
}

/**
 * A file that is synced after each append is extended with zeros by its own size, within these
 * bounds in bytes.
 */
const leastAhead = 16 * 1024
const mostAhead = 256 * 1024
const page = 4096
const zeros = new Uint8Array(mostAhead + page)

/**
 * Node and system calls transfer less than 2 GiB at a time. Longer reads and appends take several
 * calls.
 */
const defaultMostAtOnce = 2 ** 30

class NodeFile implements StorageFile {
  private readonly pace = new SyncPace()
  /**
   * The offset of the next append. It equals the descriptor's own position, because zeros are
   * written at an explicit offset, which does not move it.
   */
  private position = 0
  /** The end of the zeros after it. */
  private end = 0

  constructor(
    readonly path: string,
    private fd: number,
    private readonly mostAtOnce: number
  ) {}

  size(): number {
    try {
      return fs.fstatSync(this.fd).size
    } catch (cause) {
      throw toFailure("stat", this.path, cause)
    }
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    try {
      return fs.readSync(this.fd, target, offset, Math.min(length, this.mostAtOnce), position)
    } catch (cause) {
      throw toFailure("read", this.path, cause)
    }
  }

  append(source: Uint8Array, offset: number, length: number, ahead = false): void {
    try {
      while (length > 0) {
        const written = fs.writeSync(this.fd, source, offset, Math.min(length, this.mostAtOnce))
        if (written === 0) throw Object.assign(new Error("nothing was written"), { code: "EIO" })
        this.position += written
        offset += written
        length -= written
      }
    } catch (cause) {
      throw toFailure("append", this.path, cause)
    }
    if (ahead && this.position > this.end) this.fillAhead()
  }

  private fillAhead(): void {
    const wanted = this.position + Math.min(mostAhead, Math.max(leastAhead, this.position))
    const end = Math.ceil(wanted / page) * page
    try {
      this.end = this.position + fs.writeSync(this.fd, zeros, 0, end - this.position, this.position)
    } catch {
      // A full disk may have no room for zeros, but still some for records. Do not try again.
      this.end = Number.POSITIVE_INFINITY
    }
  }

  sync(done: (failure: Error | undefined) => void, hold = 0): void {
    const { pace } = this
    if (!pace.isShort(hold)) {
      const begun = performance.now()
      fs.fdatasync(this.fd, (cause) => {
        pace.tookElsewhere(performance.now() - begun)
        done(cause ? toFailure("sync", this.path, cause) : undefined)
      })
      return
    }
    let failure: Error | undefined
    try {
      this.syncNow()
    } catch (thrown) {
      failure = thrown as Error
    }
    // Yield to the event loop, so that a loop of such writes does not starve timers and sockets.
    setImmediate(done, failure)
  }

  isSyncShort(limit: number): boolean {
    return this.pace.isShort(limit)
  }

  syncNow(): number {
    const begun = performance.now()
    try {
      fs.fdatasyncSync(this.fd)
    } catch (cause) {
      throw toFailure("sync", this.path, cause)
    }
    const took = performance.now() - begun
    this.pace.tookHere(took)
    return took
  }

  close(): void {
    const { fd } = this
    if (fd < 0) return
    this.fd = -1
    try {
      fs.closeSync(fd)
    } catch (cause) {
      throw toFailure("close", this.path, cause)
    }
  }
}

const open = (path: string, flags: string, operation: string, mostAtOnce: number, mode?: number): StorageFile => {
  try {
    return new NodeFile(path, fs.openSync(path, flags, mode), mostAtOnce)
  } catch (cause) {
    throw toFailure(operation, path, cause)
  }
}

/**
 * A driver on Node's synchronous calls. Only syncs go through the thread pool, unless they are
 * short. `fileMode` is the mode of created files; `mostAtOnce` the longest single read or write in
 * bytes, default 1 GiB.
 */
export const makeNodeDriver = (fileMode: number, mostAtOnce = defaultMostAtOnce): StorageDriver => ({
  openRead: (path) => open(path, "r", "open", mostAtOnce),
  create: (path) => open(path, "wx", "create", mostAtOnce, fileMode),
  yieldToEventLoop: (next) => {
    setImmediate(next)
  }
})
