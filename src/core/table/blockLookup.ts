import type { LookupKey } from "../bytes/lookupKey.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { BlockView, fingerprintOf } from "./blockView.js"

/**
 * `newer`: not found, but an entry that may belong to the key is newer than the snapshot. Older
 * versions may be in the next block.
 */
export const BlockLookup = { absent: 0, found: 1, malformed: 2, newer: 3 } as const

const view = new BlockView()

/** The end of a block that `touch` reads: the columns, and the tails of the last keys. */
const touchedBytes = 384

/**
 * Reads a byte of each cache line at the block's end, so that the processor fetches these lines at
 * the same time. Otherwise each waits for the one before, a quarter of a microsecond if the block
 * was not used for some time. The result only keeps the reads from being left out.
 */
const touch = (bytes: Uint8Array, end: number): number =>
  bytes[end - 1]! | bytes[end - 64]! | bytes[end - 128]! | bytes[end - 192]! | bytes[end - 256]! | bytes[end - 320]!

/**
 * Looks for the newest version of `key` at or before `sequence` in the block `bytes[start, end)`.
 * Reads only entries with the key's fingerprint.
 */
export const findInBlock = (
  bytes: Uint8Array,
  start: number,
  end: number,
  key: LookupKey,
  sequence: number,
  found: LookupResult
): number => {
  if (end - start >= touchedBytes && touch(bytes, end) < 0) return BlockLookup.malformed
  if (!view.open(bytes, start, end)) return BlockLookup.malformed
  const { count, keysEnd } = view
  const fingerprint = fingerprintOf(key.hash2)
  let result: number = BlockLookup.absent
  for (let i = 0; i < count; i++) {
    if (bytes[keysEnd + i] !== fingerprint || view.keyLength(i) !== key.length) continue
    // Check the version first: comparing keys costs more, and a key may have many versions that
    // are too new.
    const version = view.sequence(i)
    if (version > sequence) {
      result = BlockLookup.newer
      continue
    }
    const group = view.groupOf(i)
    const head = group * view.interval
    const headKey = view.groupKey(group)
    const tail = headKey + view.tailBytes(head, i)
    const shared = view.shared(i)
    if (!(shared <= key.length && tail >= headKey + shared && tail + key.length - shared <= keysEnd)) {
      return BlockLookup.malformed
    }
    if (!isKey(bytes, headKey, tail, shared, key)) continue
    found.kind = view.kind(i)
    found.sequence = version
    found.bytes = bytes
    found.start = view.groupValue(group) + view.valueBytes(head, i)
    found.end = found.start + view.valueLength(i)
    return found.end <= view.keysStart ? BlockLookup.found : BlockLookup.malformed
  }
  return result
}

/**
 * Whether the first `shared` bytes at `head`, followed by the bytes at `tail`, are the key. Tails
 * are compared first, since the keys of a block differ mostly at their ends.
 */
const isKey = (bytes: Uint8Array, head: number, tail: number, shared: number, key: LookupKey): boolean => {
  const { bytes: sought, length } = key
  for (let i = shared; i < length; i++) if (bytes[tail + i - shared] !== sought[i]) return false
  for (let i = 0; i < shared; i++) if (bytes[head + i] !== sought[i]) return false
  return true
}
