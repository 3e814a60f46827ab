import { replayLog, SegmentReader } from "../../core/log/logSegment.js"
import { failureOfRecord, SequenceChain } from "../../core/log/sequenceChain.js"
import type { ManifestState } from "../../core/manifest/manifestFile.js"
import { closeQuietly, readInto, type StorageDriver } from "../../core/storage/storageDriver.js"

/** Bytes read, or records checked, between two yields. */
const slice = 512 * 1024

/**
 * Reads the log of a state as opening the store does, in slices: other fibers write meanwhile.
 *
 * @throws CorruptionFailure, FormatFailure, StorageFailure
 */
export function* checkLog(
  driver: StorageDriver,
  pathOf: (segment: number) => string,
  state: ManifestState,
  storeId: Uint8Array
): Generator<void, void> {
  const contents = new Map<number, Uint8Array>()
  for (const segment of state.segments) contents.set(segment, yield* readSlices(driver, pathOf(segment)))
  const open = (segment: number) => new SegmentReader(pathOf(segment), segment, contents.get(segment)!, storeId)
  const chain = new SequenceChain(state.flushedSequence)
  let bytes = 0
  for (const step of replayLog(state, open)) {
    if (step._tag === "End") return
    const { frame, segment } = step
    try {
      chain.take(segment.bytes, frame.payloadStart, frame.payloadEnd)
    } catch (failure) {
      throw failureOfRecord(failure, segment.file, frame.offset)
    }
    bytes += frame.payloadEnd - frame.offset
    if (bytes < slice) continue
    bytes = 0
    yield
  }
}

function* readSlices(driver: StorageDriver, path: string): Generator<void, Uint8Array> {
  const file = driver.openRead(path)
  try {
    const bytes = new Uint8Array(file.size())
    for (let at = 0; at < bytes.length; at += slice) {
      readInto(file, at, Math.min(slice, bytes.length - at), bytes.subarray(at))
      yield
    }
    return bytes
  } finally {
    closeQuietly(file)
  }
}
