import { StorageFailure } from "./failure.js"
import type { StorageDriver, StorageFile } from "./storageDriver.js"

/** The contents of one simulated file; it outlives its name while something has it open. */
class Inode {
  bytes = new Uint8Array(1024)
  length = 0

  append(source: Uint8Array, offset: number, length: number): void {
    const needed = this.length + length
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    this.bytes.set(source.subarray(offset, offset + length), this.length)
    this.length = needed
  }
}

class MemoryFile implements StorageFile {
  private open = true
  constructor(
    readonly path: string,
    private readonly inode: Inode,
    private readonly turn: StorageDriver["turn"]
  ) {}

  size(): number {
    return this.expectOpen("stat").length
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const inode = this.expectOpen("read")
    const n = Math.max(0, Math.min(length, inode.length - position))
    target.set(inode.bytes.subarray(position, position + n), offset)
    return n
  }

  append(source: Uint8Array, offset: number, length: number): void {
    this.expectOpen("append").append(source, offset, length)
  }

  sync(done: (failure: Error | undefined) => void): void {
    this.expectOpen("sync")
    this.turn(() => done(undefined))
  }

  close(): void {
    this.open = false
  }

  private expectOpen(operation: string): Inode {
    if (!this.open) throw new StorageFailure(operation, this.path, "EBADF")
    return this.inode
  }
}

/** A file system in memory: names, contents and locks. It lives as long as somebody holds it, so a store on it can be reopened. */
export class MemoryDisk implements StorageDriver {
  private readonly files = new Map<string, Inode>()
  private readonly directories = new Set<string>()
  private readonly locks = new Set<string>()

  readonly turn = (next: () => void): void => {
    setImmediate(next)
  }

  openRead(path: string): StorageFile {
    return new MemoryFile(path, this.find("open", path), this.turn)
  }

  create(path: string): StorageFile {
    if (this.files.has(path)) throw new StorageFailure("create", path, "EEXIST")
    if (!this.directories.has(parentOf(path))) throw new StorageFailure("create", path, "ENOENT")
    const inode = new Inode()
    this.files.set(path, inode)
    return new MemoryFile(path, inode, this.turn)
  }

  makeDirectory(path: string): void {
    for (let at = path; at !== "" && !this.directories.has(at); at = parentOf(at)) this.directories.add(at)
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.directories.has(path)
  }

  list(path: string): ReadonlyArray<string> {
    if (!this.directories.has(path)) throw new StorageFailure("list", path, "ENOENT")
    const all = [...this.files.keys(), ...this.directories]
    return all.filter((name) => parentOf(name) === path).map((name) => name.slice(path.length + 1))
  }

  rename(from: string, to: string): void {
    this.files.set(to, this.find("rename", from))
    this.files.delete(from)
  }

  remove(path: string): void {
    this.find("remove", path)
    this.files.delete(path)
  }

  /** False when the directory is locked. */
  lock(path: string): boolean {
    if (this.locks.has(path)) return false
    this.locks.add(path)
    return true
  }

  unlock(path: string): void {
    this.locks.delete(path)
  }

  private find(operation: string, path: string): Inode {
    const inode = this.files.get(path)
    if (inode === undefined) throw new StorageFailure(operation, path, "ENOENT")
    return inode
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))
