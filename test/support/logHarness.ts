import { readU32, writeU32 } from "../../src/core/bytes/encoding.js"
import { type LogEnd, replayLog, SegmentReader } from "../../src/core/log/logSegment.js"
import { LogWriter } from "../../src/core/log/logWriter.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "../../src/core/storage/fileHeader.js"
import type { LoggedValues } from "../../src/core/values/loggedValues.js"
import { FakeFile } from "./fakeFile.js"

export const storeId = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1)
export const salt = saltOf(storeId)

/** A segment number, and the bytes of the segment. */
export type SegmentBytes = readonly [fileNumber: number, bytes: Uint8Array]

/** The values of a record with so much padding, as ranges of its payload. */
export const valuesOf = (size: number): ReadonlyArray<readonly [start: number, end: number]> => {
  if (size < 4) return []
  const middle = 4 + Math.floor(size / 2)
  if (size % 3 === 0) return [[4, 4 + size]]
  return [
    [5, middle],
    [middle, 4 + size]
  ]
}

/**
 * A log over fake files. Each record is a number with padding, in which values are marked. The outcome
 * of each is kept.
 */
export class LogHarness {
  readonly segments: Array<readonly [fileNumber: number, file: FakeFile]> = []
  readonly applied: Array<number> = []
  /** The arguments of all calls of `done`, by record. */
  readonly outcomes = new Map<number, Array<Error | undefined>>()
  readonly failures: Array<Error> = []
  /** The places of values in the rotated segments. */
  readonly places: Array<LoggedValues> = []
  committed = 0
  /** Number of records covered by a sync. */
  syncedRecords = 0
  /** Whether to rotate at the next call of `settled` that allows it. */
  rotationWanted = false
  onDone: (record: number, failure: Error | undefined) => void = () => undefined
  readonly writer: LogWriter

  /** The hook that throws at its next call. */
  throwing: "apply" | "settled" | "synced" | undefined

  /** `isShort` lets syncs run in the calling thread. */
  constructor(
    end: LogEnd = { fileNumber: 0, size: 0, torn: [] },
    private readonly isShort = false
  ) {
    const first = this.prepare(end.fileNumber + 1)
    this.writer = new LogWriter(first, salt, {
      apply: (bytes, start) => {
        this.throwIf("apply")
        this.applied.push(readU32(bytes, start))
      },
      settled: () => {
        this.throwIf("settled")
        if (this.rotationWanted) this.rotate()
      },
      synced: (records) => {
        this.throwIf("synced")
        this.syncedRecords += records
      },
      failed: (failure) => this.failures.push(failure),
      mayHold: () => 1
    })
    this.writer.begin(first, { fileNumber: end.fileNumber, size: end.size, synced: true })
  }

  private throwIf(hook: LogHarness["throwing"]): void {
    if (this.throwing !== hook) return
    this.throwing = undefined
    throw new RangeError("Array buffer allocation failed")
  }

  private prepare(fileNumber: number) {
    const file = new FakeFile(`${fileNumber}.log`)
    file.append(encodeFileHeader({ kind: "log", fileNumber, storeId }), 0, fileHeaderSize)
    file.syncedSize = fileHeaderSize
    file.isShort = this.isShort
    this.segments.push([fileNumber, file])
    return { fileNumber, file }
  }

  get current(): FakeFile {
    return this.segments.at(-1)![1]
  }

  /** Commits the next record, with `size` bytes after its number. Returns the number. */
  commit(durability: number, size = 0, alone = false): number {
    const record = this.committed++
    const at = this.writer.reserve(4 + size)
    writeU32(this.writer.buffer, at, record)
    this.writer.buffer.fill(record, at + 4, at + 4 + size)
    for (const [i, [start, end]] of valuesOf(size).entries()) this.writer.mark(at + start, at + end, record * 2 + i)
    const outcomes: Array<Error | undefined> = []
    this.outcomes.set(record, outcomes)
    const settle = (failure: Error | undefined) => {
      outcomes.push(failure)
      this.onDone(record, failure)
    }
    if (this.writer.commitNow(durability, alone) || this.writer.commit(durability, settle)) settle(undefined)
    return record
  }

  rotate(): void {
    if (!this.writer.canRotate) return
    this.rotationWanted = false
    this.writer.rotate(this.prepare(this.segments.at(-1)![0] + 1))
    this.places.push(this.writer.rotatedValues!)
  }

  /** Ends one pending sync. Returns false if there is none. */
  endSync(code?: string): boolean {
    const file = this.segments.find(([, { syncsUnderWay }]) => syncsUnderWay > 0)?.[1]
    file?.endSync(code)
    return file !== undefined
  }

  /** Waits until all pending work has ended. */
  async settle(): Promise<void> {
    do await microtasks()
    while (this.endSync())
  }

  /** Returns the segments, each cut to the length that `length` returns. */
  image(length: (file: FakeFile) => number = (file) => file.bytes.length): ReadonlyArray<SegmentBytes> {
    return this.segments.map(([fileNumber, file]) => [fileNumber, file.bytes.slice(0, length(file))])
  }
}

/** Runs the pending microtasks. */
export const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await Promise.resolve()
}

/** Replays segments. @throws CorruptionFailure */
export const replay = (
  segments: ReadonlyArray<SegmentBytes>
): { readonly records: ReadonlyArray<number>; readonly end: LogEnd } => {
  const bytesOf = new Map(segments)
  const records: Array<number> = []
  const open = (n: number) => new SegmentReader(`${n}.log`, n, bytesOf.get(n)!, storeId)
  for (const step of replayLog({ segments: [...bytesOf.keys()] }, open)) {
    if (step._tag === "End") return { records, end: step.end }
    records.push(readU32(step.segment.bytes, step.frame.payloadStart))
  }
  throw new Error("the replay has no end")
}
