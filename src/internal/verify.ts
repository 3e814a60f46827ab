import { Kind } from "./batchFormat.js"
import type { BlockCursor } from "./blockCursor.js"
import { equals } from "./bytes.js"
import { type Damage, damageOf, isDamage, type Report, reportOnce } from "./damage.js"
import { FormatFailure } from "./failure.js"
import { fileHeaderSize } from "./fileHeader.js"
import { currentName, logName, manifestName, tableName } from "./fileNames.js"
import { InspectedTable } from "./inspectedTable.js"
import { replayLog, SegmentReader } from "./logSegment.js"
import { LookupKey } from "./lookupKey.js"
import { failureOfRecord, SequenceChain } from "./sequenceChain.js"
import { soundBlocks } from "./soundBlocks.js"
import { logExtents, soundRecords } from "./soundRecords.js"
import type { StorageDriver } from "./storageDriver.js"
import { readWhole, sizeIfThere } from "./storeDirectory.js"
import { type Survey, surveyDirectory } from "./survey.js"
import { encodeTableMeta, type TableMeta } from "./tableFormat.js"

/** What a verification tells. */
export interface VerifyListener {
  readonly error: Report
  readonly notice: Report
  /** So many bytes of a file have been checked. */
  readonly progress: (file: string, bytes: number) => void
}

/** What there was to check. */
export interface Verified {
  readonly tables: number
  readonly segments: number
  /** Entries of tables. */
  readonly entries: number
  /** Records of the log. */
  readonly records: number
}

/** Bytes checked between two yields. */
const slice = 256 * 1024

/** The files that make up a store, and their sizes together. */
export const bytesToVerify = (driver: StorageDriver, directory: string, survey: Survey): number =>
  [
    ...(survey.manifest === undefined ? [] : [currentName, manifestName(survey.manifest.manifestNumber)]),
    ...survey.tables.map(({ fileNumber }) => tableName(fileNumber)),
    ...survey.segments.map(logName)
  ].reduce((bytes, name) => bytes + sizeIfThere(driver, `${directory}/${name}`), 0)

/**
 * Checks a whole store: every header, every checksum, the order of keys within and across blocks, what properties and manifest say
 * of each table, that filters and indexes lead to each key, every frame of the log and the sequence numbers of its records. Memory is
 * bounded by a block or a segment, and by a table's index and filter. Yields between slices of work.
 */
export function* verifyDirectory(
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  listener: VerifyListener,
  begin: (bytes: number) => void
): Generator<void, Verified | undefined> {
  const error = reportOnce(listener.error)
  let survey: Survey | undefined
  try {
    survey = surveyDirectory(driver, directory, names, error)
  } catch (failure) {
    const finding = isFinding(failure)
    if (finding === undefined) throw failure
    error(damageOf(finding, 0, "file"))
  }
  if (survey === undefined) return undefined
  begin(bytesToVerify(driver, directory, survey))
  if (survey.manifest !== undefined) tellOfManifest(driver, directory, survey.manifest, listener)
  for (const name of survey.orphans) {
    const reason = "an orphan: the manifest does not name it"
    listener.notice({
      file: `${directory}/${name}`,
      offset: 0,
      bytes: undefined,
      region: "file",
      reason,
      keys: undefined
    })
  }
  let entries = 0
  for (const { fileNumber, meta } of survey.tables) {
    entries += yield* verifyTable(driver, directory, survey, fileNumber, meta, error, listener)
  }
  const records = yield* verifyLog(driver, directory, survey, error, listener)
  return { tables: survey.tables.length, segments: survey.segments.length, entries, records }
}

const isFinding = (failure: unknown) => (isDamage(failure) || failure instanceof FormatFailure ? failure : undefined)

const tellOfManifest = (
  driver: StorageDriver,
  directory: string,
  manifest: NonNullable<Survey["manifest"]>,
  { notice, progress }: VerifyListener
): void => {
  const file = `${directory}/${manifestName(manifest.manifestNumber)}`
  const size = sizeIfThere(driver, file)
  progress(`${directory}/${currentName}`, sizeIfThere(driver, `${directory}/${currentName}`))
  progress(file, size)
  const { tornBytes: bytes } = manifest
  if (bytes === 0) return
  const reason = "a torn last edit, which was never acted upon"
  notice({ file, offset: size - bytes, bytes, region: "manifest edit", reason, keys: undefined })
}

/** Answers how many sound entries the table has. */
function* verifyTable(
  driver: StorageDriver,
  directory: string,
  survey: Survey,
  fileNumber: number,
  meta: TableMeta | undefined,
  error: Report,
  { progress }: VerifyListener
): Generator<void, number> {
  const path = `${directory}/${tableName(fileNumber)}`
  const size = sizeIfThere(driver, path)
  const count = new TableCount(fileNumber, size)
  let told = 0
  try {
    let isWhole = true
    const table = yield* InspectedTable.open(driver, path, fileNumber, survey.storeId, error)
    const { filter, footer, properties } = table
    const key = new LookupKey()
    let denied = 0
    const blocks = soundBlocks(
      table,
      meta ?? properties,
      (damage) => {
        isWhole &&= damage.region !== "data block"
        error(damage)
      },
      (entry, isNewKey) => {
        count.add(entry, isNewKey)
        if (isNewKey && filter?.has(key.set(entry.keyBytes.subarray(0, entry.keyEnd))) === false) denied++
      }
    )
    let pending = 0
    for (const block of blocks) {
      pending += block.length
      if (pending < slice) continue
      progress(path, pending)
      told += pending
      pending = 0
      yield
    }
    const wrong = (offset: number, region: string, reason: string): void =>
      error({ file: path, offset, bytes: undefined, region, reason, keys: undefined })
    if (denied > 0) wrong(footer?.filter.offset ?? 0, "filter", `denies ${denied} of the table's keys`)
    if (isWhole && table.index !== undefined) {
      const found = count.meta
      if (properties !== undefined) {
        for (const reason of differences(properties, found))
          wrong(footer!.properties.offset, "table properties", reason)
      }
      if (meta !== undefined) {
        for (const reason of differences(meta, found)) wrong(0, "manifest", reason)
      }
    }
    const flushed = survey.manifest?.state.flushedSequence ?? Number.POSITIVE_INFINITY
    if (count.largestSequence > flushed) {
      wrong(0, "manifest", `sequence number ${count.largestSequence}, where ${flushed} was the last that was flushed`)
    }
  } catch (failure) {
    const finding = isFinding(failure)
    if (finding === undefined) throw failure
    error(damageOf(finding, 0, "file"))
  }
  progress(path, size - told)
  yield
  return count.entries
}

/** What a table's properties should be, counted from its entries. */
class TableCount {
  entries = 0
  largestSequence = 0
  private smallestSequence = Number.MAX_SAFE_INTEGER
  private deletions = 0
  private rawBytes = 0
  private smallestKey: Uint8Array | undefined
  private largestKey = new Uint8Array(256)
  private largestLength = 0

  constructor(
    private readonly fileNumber: number,
    private readonly size: number
  ) {}

  add(entry: BlockCursor, isNewKey: boolean): void {
    const { keyBytes, keyEnd, sequence } = entry
    this.entries++
    if (entry.kind === Kind.deletion) this.deletions++
    this.rawBytes += keyEnd + entry.valueEnd - entry.valueStart
    this.smallestSequence = Math.min(this.smallestSequence, sequence)
    this.largestSequence = Math.max(this.largestSequence, sequence)
    if (!isNewKey) return
    this.smallestKey ??= keyBytes.slice(0, keyEnd)
    if (keyEnd > this.largestKey.length) this.largestKey = new Uint8Array(keyEnd * 2)
    this.largestKey.set(keyBytes.subarray(0, keyEnd))
    this.largestLength = keyEnd
  }

  get meta(): TableMeta {
    const { fileNumber, size, smallestSequence, largestSequence, entries, deletions, rawBytes } = this
    const smallestKey = this.smallestKey ?? new Uint8Array(0)
    const largestKey = this.largestKey.slice(0, this.largestLength)
    return {
      fileNumber,
      size,
      smallestSequence,
      largestSequence,
      entries,
      deletions,
      rawBytes,
      smallestKey,
      largestKey
    }
  }
}

const differences = (said: TableMeta, found: TableMeta): ReadonlyArray<string> => {
  if (equals(encodeTableMeta(said), encodeTableMeta(found))) return []
  const numbers = (
    ["fileNumber", "size", "entries", "deletions", "rawBytes", "smallestSequence", "largestSequence"] as const
  )
    .filter((name) => said[name] !== found[name])
    .map((name) => `${name} ${said[name]}, where ${found[name]} was found`)
  const keys = (["smallestKey", "largestKey"] as const)
    .filter((name) => !equals(said[name], found[name]))
    .map((name) => `another ${name} than was found`)
  return [...numbers, ...keys]
}

/** First as opening does, whose verdict counts; where that fails, each segment on its own. Answers how many records are sound. */
function* verifyLog(
  driver: StorageDriver,
  directory: string,
  { segments, storeId, manifest }: Survey,
  error: Report,
  { notice, progress }: VerifyListener
): Generator<void, number> {
  const pathOf = (segment: number) => `${directory}/${logName(segment)}`
  const done = function* (): Generator<void, void> {
    for (const segment of segments) {
      progress(pathOf(segment), sizeIfThere(driver, pathOf(segment)))
      yield
    }
  }
  let records = 0
  let verdict: Damage | undefined
  if (manifest !== undefined) {
    const { state } = manifest
    const chain = new SequenceChain(state.flushedSequence)
    const open = (segment: number) =>
      new SegmentReader(pathOf(segment), segment, readWhole(driver, pathOf(segment)), storeId)
    try {
      let bytes = 0
      for (const step of replayLog(state.segments, open, state.closed)) {
        if (step._tag === "End") {
          for (const { file, offset, bytes: torn } of step.end.torn) {
            const reason = "a torn end, which opening drops"
            notice({ file, offset, bytes: torn, region: "log frame", reason, keys: undefined })
          }
          continue
        }
        const { segment, frame } = step
        try {
          chain.take(segment.bytes, frame.payloadStart, frame.payloadEnd)
        } catch (failure) {
          throw failureOfRecord(failure, segment.file, frame.offset)
        }
        records++
        bytes += frame.payloadEnd - frame.offset
        if (bytes < slice) continue
        bytes = 0
        yield
      }
      yield* done()
      return records
    } catch (failure) {
      const finding = isFinding(failure)
      if (finding === undefined) throw failure
      verdict = damageOf(finding, fileHeaderSize, "log frame")
    }
  }
  records = 0
  for (const [segment, extent] of logExtents(driver, directory, segments, storeId, manifest?.state.closed)) {
    try {
      for (const _ of soundRecords(driver, pathOf(segment), segment, storeId, extent, error)) records++
    } catch (failure) {
      const finding = isFinding(failure)
      if (finding === undefined) throw failure
      error(damageOf(finding, 0, "file"))
    }
    yield
  }
  if (verdict !== undefined) error(verdict)
  yield* done()
  return records
}
