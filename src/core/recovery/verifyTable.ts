import { equals } from "../bytes/bytes.js"
import { ReusableLookupKey } from "../bytes/lookupKey.js"
import { EntryKind, isHandle, isTombstone } from "../cursor/entryKind.js"
import { expires, expirySize, readExpiry } from "../cursor/expiry.js"
import { sizeIfThere } from "../manifest/storeDirectory.js"
import { compareEnds, type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { damageOf, type Report } from "../storage/damage.js"
import { tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import type { BlockCursor } from "../table/blockCursor.js"
import { encodeTableMeta, type TableMeta } from "../table/tableFormat.js"
import { handleLength } from "../values/valueHandle.js"
import { ValueRefs } from "../values/valueRefs.js"
import { InspectedTable } from "./inspectedTable.js"
import { soundBlocks } from "./soundBlocks.js"
import type { SoundValues } from "./soundValues.js"
import type { Survey } from "./survey.js"
import { findingOf, type VerifyListener, verifySlice } from "./verifyListener.js"

/** Checks a table, and returns the number of its sound entries. */
export function* verifyTable(
  driver: StorageDriver,
  directory: string,
  survey: Survey,
  fileNumber: number,
  meta: TableMeta | undefined,
  values: SoundValues,
  error: Report,
  { progress }: VerifyListener
): Generator<void, number> {
  const path = `${directory}/${tableName(fileNumber)}`
  const size = sizeIfThere(driver, path)
  const count = new TableCount(fileNumber, size)
  let reported = 0
  try {
    let isWhole = true
    const table = yield* InspectedTable.open(driver, path, fileNumber, survey.storeId, error)
    const { filter, footer, properties } = table
    const key = new ReusableLookupKey()
    let denied = 0
    /** Bytes of blocks and values since the last yield. */
    let pending = 0
    let ofBlocks = 0
    const blocks = soundBlocks(
      table,
      meta ?? properties,
      (damage) => {
        isWhole &&= damage.region !== "data block"
        error(damage)
      },
      (entry, isNewKey) => {
        count.add(entry, isNewKey)
        if (isHandle(entry.kind)) {
          const at = handleStart(entry)
          pending += handleLength(entry.valueBytes, at)
          values.read(entry.valueBytes, at, entry.keyBytes.slice(0, entry.keyEnd))
        }
        if (isNewKey && filter?.has(key.set(entry.keyBytes.subarray(0, entry.keyEnd))) === false) denied++
      }
    )
    for (const block of blocks) {
      pending += block.length
      ofBlocks += block.length
      if (pending < verifySlice) continue
      progress(path, ofBlocks)
      values.tell(progress)
      reported += ofBlocks
      ofBlocks = 0
      pending = 0
      yield
    }
    const wrong = (offset: number, region: string, reason: string): void =>
      error({ file: path, offset, bytes: undefined, region, reason, keys: undefined })
    if (denied > 0) wrong(footer?.filter.offset ?? 0, "filter", `rejects ${denied} of the table's keys`)
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
      wrong(0, "manifest", `sequence number ${count.largestSequence}, but the last one flushed is ${flushed}`)
    }
  } catch (failure) {
    const finding = findingOf(failure)
    if (finding === undefined) throw failure
    error(damageOf(finding, 0, "file"))
  }
  progress(path, size - reported)
  yield
  return count.entries
}

/** Where the handle of an entry begins. */
const handleStart = ({ kind, valueStart }: BlockCursor): number =>
  kind === EntryKind.expiringHandle ? valueStart + expirySize : valueStart

/** Computes a table's properties from its entries. */
class TableCount {
  entries = 0
  largestSequence = 0
  private smallestSequence = Number.MAX_SAFE_INTEGER
  private deletions = 0
  private rawBytes = 0
  private readonly ranges: Array<RangeDeletion> = []
  private expiringEntries = 0
  private latestExpiry = 0
  private readonly refs = new ValueRefs()
  private supersededEntries = 0
  private supersededBytes = 0
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
    if (isTombstone(entry.kind)) this.deletions++
    if (entry.kind === EntryKind.rangeDeletion) {
      const { valueBytes, valueStart, valueEnd } = entry
      this.ranges.push(rangeDeletionOf(sequence, keyBytes, 0, keyEnd, valueBytes, valueStart, valueEnd))
    }
    if (isHandle(entry.kind)) this.refs.add(entry.valueBytes, handleStart(entry))
    if (expires(entry.kind)) {
      this.expiringEntries++
      this.latestExpiry = Math.max(this.latestExpiry, readExpiry(entry.valueBytes, entry.valueStart))
    }
    const bytes = keyEnd + entry.valueEnd - entry.valueStart
    this.rawBytes += bytes
    this.smallestSequence = Math.min(this.smallestSequence, sequence)
    this.largestSequence = Math.max(this.largestSequence, sequence)
    if (!isNewKey) {
      if (entry.kind === EntryKind.rangeDeletion) return
      this.supersededEntries++
      this.supersededBytes += bytes
      return
    }
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
      largestKey,
      superseded: { entries: this.supersededEntries, bytes: this.supersededBytes },
      valueRefs: this.refs.take(),
      ranges: this.ranges,
      expiring: { entries: this.expiringEntries, latest: this.latestExpiry }
    }
  }
}

const sameRanges = (a: ReadonlyArray<RangeDeletion>, b: ReadonlyArray<RangeDeletion>): boolean =>
  a.length === b.length &&
  a.every((range, i) => {
    const other = b[i]!
    return (
      range.sequence === other.sequence && equals(range.start, other.start) && compareEnds(range.end, other.end) === 0
    )
  })

const differences = (said: TableMeta, found: TableMeta): ReadonlyArray<string> => {
  const [counted, known] = [found.superseded, said.superseded]
  const superseded =
    known === undefined || (known.entries === counted?.entries && known.bytes === counted.bytes)
      ? []
      : [`${known.entries} superseded entries, but found ${counted?.entries}`]
  const sameRefs = JSON.stringify(said.valueRefs ?? []) === JSON.stringify(found.valueRefs)
  const values = sameRefs ? [] : ["the values of other files that it leads to differ from those found"]
  const [expiring, foundExpiring] = [said.expiring?.entries ?? 0, found.expiring?.entries ?? 0]
  if (expiring !== foundExpiring || (expiring > 0 && said.expiring?.latest !== found.expiring?.latest)) {
    values.push(`${expiring} entries that expire, but found ${foundExpiring}, or not at the same time`)
  }
  if (!sameRanges(said.ranges ?? [], found.ranges ?? [])) values.push("the range deletions differ from those found")
  if (equals(encodeTableMeta(said), encodeTableMeta(found))) return [...superseded, ...values]
  const numbers = (
    ["fileNumber", "size", "entries", "deletions", "rawBytes", "smallestSequence", "largestSequence"] as const
  )
    .filter((name) => said[name] !== found[name])
    .map((name) => `${name} ${said[name]}, but found ${found[name]}`)
  const keys = (["smallestKey", "largestKey"] as const)
    .filter((name) => !equals(said[name], found[name]))
    .map((name) => `${name} differs from the one found`)
  return [...numbers, ...keys, ...superseded, ...values]
}
