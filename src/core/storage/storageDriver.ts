/**
 * The narrow file port as plain synchronous functions, which the engine's core and the hot paths use.
 * Every function throws `StorageFailure` and nothing else.
 */
export interface StorageFile {
  readonly path: string
  /** The size of the file now, in bytes. */
  size(): number
  /** Reads up to `length` bytes from `position` into `target` at `offset`; answers how many there were. */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  /**
   * Appends all of `source[offset, offset + length)`, or throws: then the file may have grown by a part of it. With `ahead`
   * the file may become longer by zeros, which later appends overwrite: a sync that need not record a new length is shorter.
   */
  append(source: Uint8Array, offset: number, length: number, ahead?: boolean): void
  /**
   * Makes all that was appended durable (fdatasync), and calls back, in a later turn of the event loop. The calling thread may be held
   * for it where that is expected to take no more than `hold` milliseconds; 0 or nothing for never.
   */
  sync(done: (failure: Error | undefined) => void, hold?: number): void
  /** Whether `syncNow` is there and expected to take less than so many milliseconds. */
  isSyncShort?(limit: number): boolean
  /** The same as `sync` before it returns; answers how many milliseconds it took. */
  syncNow?(): number
  /** Closes the descriptor, also when it throws; a second call does nothing. */
  close(): void
}

/** Whether a lock may leave traces: a reader's must not. */
export type LockMode = "write" | "read"

export interface StorageDriver {
  /** Opens an existing file for reading. */
  openRead(path: string): StorageFile
  /** Creates an empty file for appending; an existing one is an `EEXIST` failure. */
  create(path: string): StorageFile
  /** Lets the event loop turn once, then calls back: how sliced work hands over. */
  yieldToEventLoop(next: () => void): void
}

/** Closes a file of which nothing is to be kept that is not synced: then a refusal means nothing. */
export const closeQuietly = (file: StorageFile): void => {
  try {
    file.close()
  } catch {
    // The descriptor is gone all the same.
  }
}

/** Reads a range; shorter where the file ends within it. */
export const readExactly = (file: StorageFile, position: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  const done = readInto(file, position, length, bytes)
  return done === length ? bytes : bytes.subarray(0, done)
}

/** Reads a range to the beginning of `target`; answers how many bytes there were, fewer where the file ends within it. */
export const readInto = (file: StorageFile, position: number, length: number, target: Uint8Array): number => {
  let done = 0
  while (done < length) {
    const n = file.read(target, done, length - done, position + done)
    if (n === 0) break
    done += n
  }
  return done
}
