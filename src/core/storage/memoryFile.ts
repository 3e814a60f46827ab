import { StorageFailure } from "./failure.js"
import type { StorageDriver, StorageFile } from "./storageDriver.js"

/**
 * An operation on a disk. Inodes are numbered in order of creation. A sync is observed when it has
 * ended.
 */
export type DiskOperation =
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "open" | "list"; readonly path: string }
  | { readonly kind: "read"; readonly path: string; readonly inode: number; readonly offset: number }
  | {
      readonly kind: "append"
      readonly path: string
      readonly inode: number
      readonly offset: number
      readonly bytes: Uint8Array
    }
  /** Makes the first `appends` appends to the inode durable. */
  | { readonly kind: "sync"; readonly path: string; readonly inode: number; readonly appends: number }
  | { readonly kind: "rename" | "rename directory"; readonly path: string; readonly to: string }
  | { readonly kind: "link"; readonly path: string; readonly to: string; readonly inode: number }
  | { readonly kind: "remove" | "make directory" | "remove directory"; readonly path: string }
  | { readonly kind: "sync directory"; readonly path: string }

/** Observes operations, for tests. An error that `before` throws is the operation's failure. */
export interface DiskObserver {
  readonly before?: (operation: DiskOperation) => void
  readonly after?: (operation: DiskOperation) => void
}

/** The contents of one simulated file. They outlive the file's name while the file is open. */
class Inode {
  bytes = new Uint8Array(1024)
  length = 0
  appends = 0

  constructor(readonly number: number) {}

  write(source: Uint8Array, position: number): void {
    const end = position + source.length
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.bytes.length * 2))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    this.bytes.set(source, position)
    this.length = Math.max(this.length, end)
    this.appends++
  }
}

/** Zeros that a file is extended by. Few, so that crash tests with small files meet every case. */
const zerosAhead = 1024

/** The duration that a sync reports. */
const syncMillis = 0.3

class MemoryFile implements StorageFile {
  private open = true
  /** Where the next append goes. */
  private position = 0
  constructor(
    readonly path: string,
    private readonly inode: Inode,
    private readonly disk: MemoryDisk
  ) {}

  size(): number {
    return this.expectOpen("stat").length
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const inode = this.expectOpen("read")
    return this.disk.perform({ kind: "read", path: this.path, inode: inode.number, offset: position }, () => {
      const n = Math.max(0, Math.min(length, inode.length - position))
      target.set(inode.bytes.subarray(position, position + n), offset)
      return n
    })
  }

  append(source: Uint8Array, offset: number, length: number, ahead = false): void {
    const inode = this.expectOpen("append")
    const { path, position } = this
    let bytes = source.subarray(offset, offset + length)
    if (ahead && position + length > inode.length) {
      bytes = new Uint8Array(length + zerosAhead)
      bytes.set(source.subarray(offset, offset + length))
    }
    this.disk.perform({ kind: "append", path, inode: inode.number, offset: position, bytes }, () => {
      inode.write(bytes, position)
      this.position += length
    })
  }

  sync(done: (failure: Error | undefined) => void): void {
    const inode = this.expectOpen("sync")
    this.disk.later({ kind: "sync", path: this.path, inode: inode.number, appends: inode.appends }, done)
  }

  isSyncShort(limit: number): boolean {
    return limit > syncMillis
  }

  syncNow(): number {
    const inode = this.expectOpen("sync")
    this.disk.perform({ kind: "sync", path: this.path, inode: inode.number, appends: inode.appends }, () => undefined)
    return syncMillis
  }

  close(): void {
    this.open = false
  }

  private expectOpen(operation: string): Inode {
    if (!this.open) throw new StorageFailure(operation, this.path, "EBADF")
    return this.inode
  }
}

/**
 * A file system in memory: names, contents and locks. It exists as long as it is referenced, so a
 * store on it can be reopened. An observer sees every operation and can make it fail.
 */
export class MemoryDisk implements StorageDriver {
  private readonly files = new Map<string, Inode>()
  private readonly directories = new Set<string>()
  private readonly locks = new Set<string>()
  private inodes = 0

  constructor(
    private readonly observer: DiskObserver = {},
    readonly yieldToEventLoop: StorageDriver["yieldToEventLoop"] = setImmediate,
    /** How often a sync yields to the event loop before it ends. */
    private readonly syncTurns = 1
  ) {}

  openRead(path: string): StorageFile {
    return this.perform({ kind: "open", path }, () => new MemoryFile(path, this.find("open", path), this))
  }

  create(path: string): StorageFile {
    if (this.files.has(path)) throw new StorageFailure("create", path, "EEXIST")
    if (!this.directories.has(parentOf(path))) throw new StorageFailure("create", path, "ENOENT")
    return this.perform({ kind: "create", path, inode: this.inodes }, () => {
      const inode = new Inode(this.inodes++)
      this.files.set(path, inode)
      return new MemoryFile(path, inode, this)
    })
  }

  /** Does nothing if the directory exists. */
  makeDirectory(path: string): void {
    if (this.directories.has(path)) return
    if (this.files.has(path)) throw new StorageFailure("make directory", path, "ENOTDIR")
    const parent = parentOf(path)
    if (parent !== "" && !this.directories.has(parent)) throw new StorageFailure("make directory", path, "ENOENT")
    this.perform({ kind: "make directory", path }, () => this.directories.add(path))
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.directories.has(path)
  }

  list(path: string): ReadonlyArray<string> {
    if (!this.directories.has(path)) throw new StorageFailure("list", path, "ENOENT")
    return this.perform({ kind: "list", path }, () => {
      const prefix = `${path}/`
      const names: Array<string> = []
      // The disk may have many stores, and most files lie elsewhere: copy nothing of those.
      for (const all of [this.files.keys(), this.directories]) {
        for (const name of all) {
          if (name.startsWith(prefix) && !name.includes("/", prefix.length)) names.push(name.slice(prefix.length))
        }
      }
      return names
    })
  }

  rename(from: string, to: string): void {
    if (this.directories.has(from)) return this.renameDirectory(from, to)
    const inode = this.find("rename", from)
    this.perform({ kind: "rename", path: from, to }, () => {
      this.files.set(to, inode)
      this.files.delete(from)
    })
  }

  /** Moves a directory with all that is in it. It may replace an empty directory. */
  private renameDirectory(from: string, to: string): void {
    if (this.files.has(to)) throw new StorageFailure("rename", from, "ENOTDIR")
    if (this.hasEntries(to)) throw new StorageFailure("rename", from, "ENOTEMPTY")
    const parent = parentOf(to)
    if (parent !== "" && !this.directories.has(parent)) throw new StorageFailure("rename", from, "ENOENT")
    const moved = (path: string): string => `${to}${path.slice(from.length)}`
    this.perform({ kind: "rename directory", path: from, to }, () => {
      for (const path of [...this.directories]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue
        this.directories.delete(path)
        this.directories.add(moved(path))
      }
      for (const [path, inode] of [...this.files]) {
        if (!path.startsWith(`${from}/`)) continue
        this.files.delete(path)
        this.files.set(moved(path), inode)
      }
    })
  }

  /** Removes an empty directory. */
  removeDirectory(path: string): void {
    if (!this.directories.has(path)) throw new StorageFailure("remove directory", path, "ENOENT")
    if (this.hasEntries(path)) throw new StorageFailure("remove directory", path, "ENOTEMPTY")
    this.perform({ kind: "remove directory", path }, () => this.directories.delete(path))
  }

  private hasEntries(directory: string): boolean {
    return [...this.files.keys(), ...this.directories].some((path) => path.startsWith(`${directory}/`))
  }

  link(from: string, to: string): void {
    const inode = this.find("link", from)
    if (this.files.has(to)) throw new StorageFailure("link", to, "EEXIST")
    if (!this.directories.has(parentOf(to))) throw new StorageFailure("link", to, "ENOENT")
    this.perform({ kind: "link", path: from, to, inode: inode.number }, () => this.files.set(to, inode))
  }

  remove(path: string): void {
    this.find("remove", path)
    this.perform({ kind: "remove", path }, () => this.files.delete(path))
  }

  syncDirectory(path: string, done: (failure: Error | undefined) => void): void {
    this.later({ kind: "sync directory", path }, done)
  }

  /** Returns false if the directory is already locked. */
  lock(path: string): boolean {
    if (!this.directories.has(path)) throw new StorageFailure("lock", path, "ENOENT")
    if (this.locks.has(path)) return false
    this.locks.add(path)
    return true
  }

  unlock(path: string): void {
    this.locks.delete(path)
  }

  /**
   * Creates a directory and its parents, durable and unobserved, so that a test can prepare a disk.
   */
  placeDirectory(path: string): void {
    for (let at = path; at !== "" && !this.directories.has(at); at = parentOf(at)) this.directories.add(at)
  }

  /** The same for a file. */
  place(path: string, bytes: Uint8Array): void {
    this.placeDirectory(parentOf(path))
    const inode = new Inode(this.inodes++)
    inode.write(bytes, 0)
    this.files.set(path, inode)
  }

  /** A copy of every file's contents, by path. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.files].map(([path, { bytes, length }]) => [path, bytes.slice(0, length)]))
  }

  /** Runs an operation and reports it to the observer. */
  perform<A>(operation: DiskOperation, run: () => A): A {
    this.observer.before?.(operation)
    const result = run()
    this.observer.after?.(operation)
    return result
  }

  /** The same for an operation that takes a while. */
  later(operation: DiskOperation, done: (failure: Error | undefined) => void): void {
    let failure: Error | undefined
    try {
      this.observer.before?.(operation)
    } catch (thrown) {
      failure = thrown as Error
    }
    const wait = (turns: number): void =>
      this.yieldToEventLoop(() => {
        if (turns > 1) return wait(turns - 1)
        if (failure === undefined) this.observer.after?.(operation)
        done(failure)
      })
    wait(this.syncTurns)
  }

  private find(operation: string, path: string): Inode {
    const inode = this.files.get(path)
    if (inode === undefined) throw new StorageFailure(operation, path, "ENOENT")
    return inode
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))
