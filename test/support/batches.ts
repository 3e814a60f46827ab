import { batchHeaderSize, operationSize, writeBatchHeader, writeOperation } from "../../src/core/log/batchFormat.js"
import { kindOf, type TestEntry } from "./entries.js"

/** The payload of a log record that holds the entries. */
export const encodeBatch = (
  entries: ReadonlyArray<Pick<TestEntry, "key" | "value" | "kind">>,
  sequence: number
): Uint8Array => {
  const size = entries.reduce(
    (n, { key, value }) => n + operationSize(key.length, value?.length ?? -1),
    batchHeaderSize
  )
  const bytes = new Uint8Array(size)
  let at = writeBatchHeader(bytes, 0, sequence, entries.length)
  for (const entry of entries) {
    at = writeOperation(bytes, at, entry.key, entry.key.length, entry.value, kindOf(entry))
  }
  if (at !== size) throw new Error(`a batch of ${size} bytes took ${at}`)
  return bytes
}
