import { StorageFailure } from "../../src/core/storage/failure.js"
import type { StorageFile } from "../../src/core/storage/storageDriver.js"

/** A file in memory. The test decides when its syncs end, and which calls fail. */
export class FakeFile implements StorageFile {
  bytes = new Uint8Array(0)
  /** The number of bytes that are sure to survive a power cut. */
  syncedSize = 0
  closed = false
  failAppends = false
  failClose = false
  /**
   * Whether syncs may run in the calling thread. `failSyncNow` is the error code of such a sync.
   */
  isShort = false
  syncMillis = 0.3
  failSyncNow: string | undefined
  private readonly waiting: Array<{ readonly size: number; readonly done: (failure: Error | undefined) => void }> = []

  constructor(readonly path = "file") {}

  static of(bytes: Uint8Array, path?: string): FakeFile {
    const file = new FakeFile(path)
    file.bytes = Uint8Array.from(bytes)
    return file
  }

  size(): number {
    return this.bytes.length
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const part = this.bytes.subarray(position, position + length)
    target.set(part, offset)
    return part.length
  }

  append(source: Uint8Array, offset: number, length: number): void {
    this.expectOpen("append")
    if (this.failAppends) throw new StorageFailure("append", this.path, "ENOSPC")
    const longer = new Uint8Array(this.bytes.length + length)
    longer.set(this.bytes)
    longer.set(source.subarray(offset, offset + length), this.bytes.length)
    this.bytes = longer
  }

  sync(done: (failure: Error | undefined) => void): void {
    this.expectOpen("sync")
    this.waiting.push({ size: this.bytes.length, done })
  }

  isSyncShort(limit: number): boolean {
    return this.isShort && limit > 0
  }

  syncNow(): number {
    this.expectOpen("sync")
    if (this.failSyncNow !== undefined) throw new StorageFailure("sync", this.path, this.failSyncNow)
    this.syncedSize = this.bytes.length
    return this.syncMillis
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    if (this.failClose) throw new StorageFailure("close", this.path, "EIO")
  }

  get syncsUnderWay(): number {
    return this.waiting.length
  }

  /** Ends the oldest sync. It fails if the file has been closed, as with a file descriptor. */
  endSync(code?: string): void {
    const { size, done } = this.waiting.shift()!
    const failure = code ?? (this.closed ? "EBADF" : undefined)
    if (failure !== undefined) return done(new StorageFailure("sync", this.path, failure))
    this.syncedSize = Math.max(this.syncedSize, size)
    done(undefined)
  }

  private expectOpen(operation: string): void {
    if (this.closed) throw new StorageFailure(operation, this.path, "EBADF")
  }
}
