import { MessageChannel } from "node:worker_threads"
import { StorageFailure } from "../storage/failure.js"
import { closeQuietly, readInto, type StorageDriver } from "../storage/storageDriver.js"

/** Milliseconds until memory that is not used again is freed. */
const idleMillis = 500
const unit = 1024 * 1024

/**
 * The memory into which log segments are read. The next segment uses that of the last one again: on
 * virtual machines, the first touch of a page can take several microseconds. When no segment is
 * read for half a second, the memory is freed.
 */
export class SegmentMemory {
  private spare: ArrayBuffer | undefined
  private idle: NodeJS.Timeout | undefined

  /**
   * Reads a whole file. Give the result back when it is not needed any more.
   *
   * @throws StorageFailure
   */
  read(driver: StorageDriver, path: string): Uint8Array {
    const file = driver.openRead(path)
    let bytes: Uint8Array | undefined
    try {
      const size = file.size()
      bytes = this.take(size)
      if (readInto(file, 0, size, bytes) < size) throw new StorageFailure("read", path, "EIO")
      return bytes
    } catch (failure) {
      if (bytes !== undefined) this.giveBack(bytes)
      throw failure
    } finally {
      closeQuietly(file)
    }
  }

  giveBack({ buffer }: Uint8Array): void {
    this.free()
    this.spare = buffer as ArrayBuffer
    this.idle = setTimeout(() => this.free(), idleMillis)
    this.idle.unref()
  }

  private take(size: number): Uint8Array {
    const { spare } = this
    if (spare === undefined || spare.byteLength < size || spare.byteLength > size * 2 + unit) {
      return new Uint8Array(new ArrayBuffer(Math.ceil(size / unit) * unit), 0, size)
    }
    this.spare = undefined
    clearTimeout(this.idle)
    return new Uint8Array(spare, 0, size)
  }

  private free(): void {
    clearTimeout(this.idle)
    if (this.spare !== undefined) release(this.spare)
    this.spare = undefined
  }
}

/**
 * Frees memory at once. The garbage of a thread that is idle may stay for long. A port that is
 * closed takes the memory and drops it; `ArrayBuffer.transfer` is not in Node 20.
 */
const release = (buffer: ArrayBuffer): void => {
  const { port1 } = new MessageChannel()
  port1.close()
  port1.postMessage(buffer, [buffer])
}
