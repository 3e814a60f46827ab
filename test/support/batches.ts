import { batchHeaderSize, operationSize, writeBatchHeader, writeOperation } from "../../src/core/log/batchFormat.js"
import type { TestEntry } from "./entries.js"

/** The payload of a log record that holds the entries. */
export const encodeBatch = (entries: ReadonlyArray<Pick<TestEntry, "key" | "value">>, sequence: number): Uint8Array => {
  const size = entries.reduce(
    (n, { key, value }) => n + operationSize(key.length, value?.length ?? -1),
    batchHeaderSize
  )
  const bytes = new Uint8Array(size)
  let at = writeBatchHeader(bytes, 0, sequence, entries.length)
  for (const { key, value } of entries) at = writeOperation(bytes, at, key, key.length, value)
  if (at !== size) throw new Error(`a batch of ${size} bytes took ${at}`)
  return bytes
}
