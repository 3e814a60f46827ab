import { compare, copyRange } from "../../core/bytes/bytes.js"
import { EntryKind } from "../../core/cursor/entryKind.js"
import { expirySize, readExpiry } from "../../core/cursor/expiry.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import type { FeedRecord } from "../../core/feed/changeReader.js"
import { applyBatch } from "../../core/log/batchFormat.js"
import { compareEnds, rangeDeletionOf } from "../../core/ranges/rangeDeletion.js"
import type { Operation } from "../../OrderedStore.js"

/** The operations of a batch on keys of a range. Ranges are cut to it. */
export const operationsOf = ({ bytes, end, start }: FeedRecord, range: KeyRange): Array<Operation> => {
  const operations: Array<Operation> = []
  applyBatch(bytes, start, end, {
    insert: (version, kind, source, keyStart, keyEnd, valueStart, valueEnd) => {
      if (kind === EntryKind.rangeDeletion) {
        const deleted = rangeDeletionOf(version, source, keyStart, keyEnd, source, valueStart, valueEnd)
        const operation = cut({ _tag: "DeleteRange", start: deleted.start, end: deleted.end, version }, range)
        if (operation !== undefined) operations.push(operation)
        return
      }
      const key = copyRange(source, keyStart, keyEnd)
      if (!isWithin(key, range)) return
      if (kind === EntryKind.deletion) {
        operations.push({ _tag: "Delete", key, version })
        return
      }
      const expires = kind === EntryKind.expiringValue
      const value = copyRange(source, expires ? valueStart + expirySize : valueStart, valueEnd)
      const expiry = expires ? { expiresAt: readExpiry(source, valueStart) } : {}
      operations.push({ _tag: "Put", key, value, version, ...expiry })
    }
  })
  return operations
}

const isWithin = (key: Uint8Array, { end, start }: KeyRange): boolean =>
  (start === undefined || compare(key, start) >= 0) && (end === undefined || compare(key, end) < 0)

/** The part of an operation that concerns a range; undefined if there is none. */
export const cut = (operation: Operation, range: KeyRange): Operation | undefined => {
  if (operation._tag !== "DeleteRange") return isWithin(operation.key, range) ? operation : undefined
  const start = range.start !== undefined && compare(range.start, operation.start) > 0 ? range.start : operation.start
  const end = compareEnds(range.end, operation.end) < 0 ? range.end : operation.end
  return end !== undefined && compare(start, end) >= 0 ? undefined : { ...operation, start, end }
}
