import { EntryKind, isHandle } from "../cursor/entryKind.js"
import { expires, expirySize } from "../cursor/expiry.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure, type StorageFailure } from "../storage/failure.js"
import { closeQuietly, type StorageDriver } from "../storage/storageDriver.js"
import type { ValueFile } from "../values/valueFile.js"
import { findValueFile, type ValueFileReader } from "../values/valueFileReader.js"
import { handleFile, handleLength, handleOffset } from "../values/valueHandle.js"
import { findingOf } from "./verifyListener.js"

/** Files that are open at the same time. */
const mostOpen = 32

/**
 * The files with values of a store that may be damaged. A value proves by its own checksum that it
 * belongs to its file and store. So values are read even if the file's header is damaged.
 */
export class SoundValues {
  private readonly open = new Map<number, ValueFileReader>()
  /** The files that cannot be opened. */
  private readonly lost = new Map<number, CorruptionFailure | StorageFailure>()
  /** Files whose header has been checked. */
  private readonly checked = new Set<number>()
  private readonly counts = new Map<
    number,
    { readonly path: string; readonly size: number; pending: number; told: number }
  >()

  constructor(
    private readonly driver: StorageDriver,
    private readonly directory: string,
    private readonly storeId: Uint8Array,
    private readonly report: Report,
    /** The files that the manifest names, as far as it is known. */
    private readonly named?: ReadonlyMap<number, ValueFile>
  ) {}

  /**
   * Returns the value of the handle at `bytes[at]`, or undefined if it is damaged. Reports damage,
   * with the key of the entry.
   *
   * @throws FormatFailure, and any StorageFailure that is not damage
   */
  read(bytes: Uint8Array, at: number, key: Uint8Array): Uint8Array | undefined {
    try {
      const reader = this.readerOf(handleFile(bytes, at))
      const value = reader.read(bytes, at)
      const count = this.counts.get(reader.fileNumber)
      if (count !== undefined) count.pending += value.length
      return value
    } catch (failure) {
      if (!isDamage(failure)) throw failure
      this.report(damageOf(failure, handleOffset(bytes, at), "value", handleLength(bytes, at), { from: key, to: key }))
      return undefined
    }
  }

  /** Checks the header and the size of a file, which may hold no value that is in use. */
  check(fileNumber: number, size: number): void {
    try {
      const reader = this.readerOf(fileNumber)
      if (reader.size === size) return
      throw new CorruptionFailure(reader.file.path, 0, "manifest", `size ${size}, but found ${reader.size}`)
    } catch (failure) {
      const finding = findingOf(failure)
      if (finding === undefined) throw failure
      this.report(damageOf(finding, 0, "file"))
    }
  }

  /** Calls `progress` with the bytes of values read since the last call. */
  tell(progress: (file: string, bytes: number) => void): void {
    for (const count of this.counts.values()) {
      const bytes = Math.min(count.pending, count.size - count.told)
      count.pending = 0
      if (bytes <= 0) continue
      count.told += bytes
      progress(count.path, bytes)
    }
  }

  /** The same at the end, for all other bytes of a file. */
  tellRest(fileNumber: number, progress: (file: string, bytes: number) => void): void {
    const count = this.counts.get(fileNumber)
    if (count === undefined) return
    count.pending = count.size
    this.tell(progress)
  }

  close(): void {
    for (const { file } of this.open.values()) closeQuietly(file)
    this.open.clear()
  }

  private readerOf(fileNumber: number): ValueFileReader {
    const known = this.open.get(fileNumber)
    if (known !== undefined) return known
    const lost = this.lost.get(fileNumber)
    if (lost !== undefined) throw lost
    if (this.open.size >= mostOpen) this.close()
    try {
      const openRead = (path: string) => this.driver.openRead(path)
      const reader = findValueFile(
        openRead,
        this.directory,
        fileNumber,
        this.storeId,
        this.named?.get(fileNumber)?.kind
      )
      this.open.set(fileNumber, reader)
      this.counts.set(
        fileNumber,
        this.counts.get(fileNumber) ?? { path: reader.file.path, size: reader.size, pending: 0, told: 0 }
      )
      this.checkHeader(reader)
      return reader
    } catch (failure) {
      if (isDamage(failure)) this.lost.set(fileNumber, failure)
      throw failure
    }
  }

  private checkHeader(reader: ValueFileReader): void {
    if (this.checked.has(reader.fileNumber)) return
    this.checked.add(reader.fileNumber)
    try {
      reader.checkHeader()
    } catch (failure) {
      if (!isDamage(failure)) throw failure
      this.report(damageOf(failure, 0, "file header"))
    }
  }
}

/**
 * A cursor over entries with their values. An entry whose value is damaged is passed over. It only
 * moves forward, which is enough for a merge.
 */
export class WholeCursor implements InternalCursor {
  kind = 0
  valueBytes: Uint8Array = nothing
  valueStart = 0
  valueEnd = 0
  readonly valueIsOwn = false

  constructor(
    private readonly cursor: InternalCursor,
    private readonly values: SoundValues
  ) {}

  get entry(): this {
    return this
  }
  get valid(): boolean {
    return this.cursor.valid
  }
  get keyBytes(): Uint8Array {
    return this.cursor.keyBytes
  }
  get keyStart(): number {
    return this.cursor.keyStart
  }
  get keyEnd(): number {
    return this.cursor.keyEnd
  }
  get sequence(): number {
    return this.cursor.sequence
  }

  seekToFirst(): void {
    this.cursor.seekToFirst()
    this.settle()
  }
  next(): void {
    this.cursor.next()
    this.settle()
  }

  private settle(): void {
    const { cursor } = this
    for (; cursor.valid; cursor.next()) {
      const { kind, valueBytes, valueStart, valueEnd } = cursor
      if (!isHandle(kind)) return this.set(kind, valueBytes, valueStart, valueEnd)
      const key = cursor.keyBytes.slice(cursor.keyStart, cursor.keyEnd)
      const timeSize = expires(kind) ? expirySize : 0
      const value = this.values.read(valueBytes, valueStart + timeSize, key)
      if (value === undefined) continue
      if (timeSize === 0) return this.set(EntryKind.value, value, 0, value.length)
      const whole = new Uint8Array(timeSize + value.length)
      whole.set(valueBytes.subarray(valueStart, valueStart + timeSize))
      whole.set(value, timeSize)
      return this.set(EntryKind.expiringValue, whole, 0, whole.length)
    }
  }

  private set(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.kind = kind
    this.valueBytes = bytes
    this.valueStart = start
    this.valueEnd = end
  }

  seekToLast(): void {
    throw new Error("a WholeCursor only moves forward")
  }
  seek(): void {
    this.seekToLast()
  }
  prev(): void {
    this.seekToLast()
  }
}

const nothing = new Uint8Array(0)
