import { replayLog, SegmentReader } from "../log/logSegment.js"
import { failureOfRecord, SequenceChain } from "../log/sequenceChain.js"
import { readWhole, sizeIfThere } from "../manifest/storeDirectory.js"
import { type Damage, damageOf, type Report } from "../storage/damage.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import { logName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { logExtents, soundRecords } from "./soundRecords.js"
import type { Survey } from "./survey.js"
import { findingOf, type VerifyListener, verifySlice } from "./verifyListener.js"

/**
 * Checks the log and returns the number of sound records. First replays the log as opening the
 * store does. If that fails, reports the failure, and also checks each segment separately.
 */
export function* verifyLog(
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
      for (const step of replayLog(state, open)) {
        if (step._tag === "End") {
          for (const { file, offset, bytes: torn } of step.end.torn) {
            const reason = "a torn end, which the next open drops"
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
        if (bytes < verifySlice) continue
        bytes = 0
        yield
      }
      yield* done()
      return records
    } catch (failure) {
      const finding = findingOf(failure)
      if (finding === undefined) throw failure
      verdict = damageOf(finding, fileHeaderSize, "log frame")
    }
  }
  records = 0
  for (const [segment, extent] of logExtents(driver, directory, segments, storeId, manifest?.state.closed)) {
    try {
      for (const _ of soundRecords(driver, pathOf(segment), segment, storeId, extent, error)) records++
    } catch (failure) {
      const finding = findingOf(failure)
      if (finding === undefined) throw failure
      error(damageOf(finding, 0, "file"))
    }
    yield
  }
  if (verdict !== undefined) error(verdict)
  yield* done()
  return records
}
