import { valueMemory } from "../bytes/bytes.js"
import { checksum, placeSeed } from "../bytes/checksum.js"
import type { ReusedMemory } from "../bytes/reusedMemory.js"
import { CorruptionFailure, StorageFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { closeQuietly, readExactly, readInto, type StorageFile } from "../storage/storageDriver.js"
import { type ValueFileKind, valueFileName } from "./valueFile.js"
import { handleChecksum, handleLength, handleOffset } from "./valueHandle.js"

/** An open file that holds values. Its header is not checked before `checkHeader`. */
export class ValueFileReader {
  readonly size: number
  private readonly salt: number

  /** @throws StorageFailure */
  constructor(
    readonly file: StorageFile,
    private readonly kind: ValueFileKind,
    readonly fileNumber: number,
    private readonly storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
    this.size = file.size()
  }

  /** @throws CorruptionFailure, FormatFailure, StorageFailure */
  checkHeader(): void {
    const { file, kind, fileNumber, storeId } = this
    expectHeader(
      decodeFileHeader(readExactly(file, 0, fileHeaderSize), kind, file.path),
      fileNumber,
      storeId,
      file.path
    )
  }

  /**
   * Reads and checks the value of the handle at `bytes[at]`, straight into memory for values, or into
   * `memory`.
   *
   * @throws CorruptionFailure, StorageFailure
   */
  read(bytes: Uint8Array, at: number, memory?: ReusedMemory): Uint8Array {
    const offset = handleOffset(bytes, at)
    const length = handleLength(bytes, at)
    this.expectWithin(offset, length)
    const value = memory?.take(length) ?? valueMemory(length)
    if (readInto(this.file, offset, length, value) < length) this.fail(offset, "the file ends within it")
    this.check(bytes, at, value, 0)
    return value
  }

  /** Reads at most `length` bytes from `offset` on. */
  readRange(offset: number, length: number): Uint8Array {
    return readExactly(this.file, offset, Math.max(0, Math.min(length, this.size - offset)))
  }

  /** Checks that `content`, from `start` on, is the value of the handle at `bytes[at]`. */
  check(bytes: Uint8Array, at: number, content: Uint8Array, start: number): void {
    const offset = handleOffset(bytes, at)
    const end = start + handleLength(bytes, at)
    if (end > content.length) this.fail(offset, "the file ends within it")
    const seed = placeSeed(this.salt, this.fileNumber, offset)
    if (checksum(content, start, end, seed) !== handleChecksum(bytes, at)) this.fail(offset, "checksum mismatch")
  }

  /** No memory is allocated for a value that the file cannot hold. */
  private expectWithin(offset: number, length: number): void {
    if (offset < fileHeaderSize || offset + length > this.size) this.fail(offset, "the file ends within it")
  }

  private fail(offset: number, reason: string): never {
    throw new CorruptionFailure(this.file.path, Math.min(offset, this.size), "value", reason)
  }
}

/**
 * Opens the file with this number that holds values. A handle does not say what kind of file that
 * is. No two files of a store have the same number, so it is the one that exists. If there is none,
 * the failure names the file of the kind `likely`.
 *
 * @throws StorageFailure
 */
export const findValueFile = (
  openRead: (path: string) => StorageFile,
  directory: string,
  fileNumber: number,
  storeId: Uint8Array,
  likely: ValueFileKind = "values"
): ValueFileReader => {
  const openAs = (kind: ValueFileKind): ValueFileReader => {
    const file = openRead(`${directory}/${valueFileName({ fileNumber, kind })}`)
    try {
      return new ValueFileReader(file, kind, fileNumber, storeId)
    } catch (failure) {
      closeQuietly(file)
      throw failure
    }
  }
  try {
    return openAs(likely)
  } catch (failure) {
    if (!isMissing(failure)) throw failure
    try {
      return openAs(likely === "values" ? "log" : "values")
    } catch (second) {
      throw isMissing(second) ? failure : second
    }
  }
}

/** The same, and checks the header. @throws CorruptionFailure, FormatFailure, StorageFailure */
export const openValueFile: typeof findValueFile = (openRead, directory, fileNumber, storeId) => {
  const reader = findValueFile(openRead, directory, fileNumber, storeId)
  try {
    reader.checkHeader()
    return reader
  } catch (failure) {
    closeQuietly(reader.file)
    throw failure
  }
}

const isMissing = (failure: unknown): boolean => failure instanceof StorageFailure && failure.code === "ENOENT"
