import type { LookupKey } from "../bytes/lookupKey.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { BlockView, fingerprintOf } from "./blockView.js"

/** `newer`: absent, but an entry that may be the key's is too new; older ones may stand in the next block. */
export const BlockLookup = { absent: 0, found: 1, malformed: 2, newer: 3 } as const

const view = new BlockView()

/**
 * Looks for the newest version of `key` at or before `sequence` in the block `bytes[start, end)`: only entries with the
 * key's fingerprint are read.
 */
export const findInBlock = (
  bytes: Uint8Array,
  start: number,
  end: number,
  key: LookupKey,
  sequence: number,
  found: LookupResult
): number => {
  if (!view.open(bytes, start, end)) return BlockLookup.malformed
  const { count, keysEnd } = view
  const fingerprint = fingerprintOf(key.hash2)
  let result: number = BlockLookup.absent
  for (let i = 0; i < count; i++) {
    if (bytes[keysEnd + i] !== fingerprint || view.keyLength(i) !== key.length) continue
    // Before the key, which takes longer to find: a key may have many versions that are too new.
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

/** Whether the first `shared` bytes at `head` and what follows at `tail` are the key. Keys of a block differ at their ends. */
const isKey = (bytes: Uint8Array, head: number, tail: number, shared: number, key: LookupKey): boolean => {
  const { bytes: sought, length } = key
  for (let i = shared; i < length; i++) if (bytes[tail + i - shared] !== sought[i]) return false
  for (let i = 0; i < shared; i++) if (bytes[head + i] !== sought[i]) return false
  return true
}
