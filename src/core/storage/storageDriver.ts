/**
 * The interface to files, as plain functions for the core and the hot paths. Functions throw
 * `StorageFailure` and nothing else.
 */
export interface StorageFile {
  readonly path: string
  /** The size of the file now, in bytes. */
  size(): number
  /** Reads up to `length` bytes from `position` into `target` at `offset`. Returns their number. */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  /**
   * Appends all of `source[offset, offset + length)`. If it throws, a part of that may have been
   * appended. With `ahead`, the file may also be extended with zeros, which later appends
   * overwrite: a sync is faster if it need not record a new length.
   */
  append(source: Uint8Array, offset: number, length: number, ahead?: boolean): void
  /**
   * Makes everything appended so far durable (fdatasync). Calls back after yielding to the event
   * loop. The sync may block the calling thread if it is expected to take no more than `hold`
   * milliseconds. Default 0: never block.
   */
  sync(done: (failure: Error | undefined) => void, hold?: number): void
  /** Whether `syncNow` exists and is expected to take no more than `limit` milliseconds. */
  isSyncShort?(limit: number): boolean
  /** Syncs in the calling thread, before it returns. Returns the milliseconds it took. */
  syncNow?(): number
  /** Closes the descriptor, even if it throws. A second call does nothing. */
  close(): void
}

/** A reader's lock must leave no files behind. */
export type LockMode = "write" | "read"

export interface StorageDriver {
  /** Opens an existing file for reading. */
  openRead(path: string): StorageFile
  /** Creates an empty file for appending. Fails with `EEXIST` if the file exists. */
  create(path: string): StorageFile
  /** Yields to the event loop once, then calls back. Long work calls it between slices. */
  yieldToEventLoop(next: () => void): void
}

/**
 * Closes a file and ignores failures. Use it only if none of the file's unsynced data must be kept.
 */
export const closeQuietly = (file: StorageFile): void => {
  try {
    file.close()
  } catch {
    // The descriptor is closed anyway.
  }
}

/** Reads a range. Returns fewer bytes if the file ends within it. */
export const readExactly = (file: StorageFile, position: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  const done = readInto(file, position, length, bytes)
  return done === length ? bytes : bytes.subarray(0, done)
}

/**
 * Reads a range into the beginning of `target`. Returns how many bytes were read: fewer than
 * `length` if the file ends within the range.
 */
export const readInto = (file: StorageFile, position: number, length: number, target: Uint8Array): number => {
  let done = 0
  while (done < length) {
    const n = file.read(target, done, length - done, position + done)
    if (n === 0) break
    done += n
  }
  return done
}
