import { BlockCache } from "../../src/core/cache/blockCache.js"
import type { StorageFile } from "../../src/core/storage/storageDriver.js"
import type { BlockIndex } from "../../src/core/table/blockIndex.js"
import { TableBuilder, type TableOptions } from "../../src/core/table/tableBuilder.js"
import { TableCursor } from "../../src/core/table/tableCursor.js"
import type { Handle, TableMeta } from "../../src/core/table/tableFormat.js"
import { ReadCounters, TableReader } from "../../src/core/table/tableReader.js"
import { inOrder, kindOf, nothing, type TestEntry } from "./entries.js"
import { FakeFile } from "./fakeFile.js"

export const tableStoreId = Uint8Array.of(3, 1, 4, 1, 5, 9, 2, 6)

export const plainOptions: TableOptions = { blockSize: 128, restartInterval: 4, filterFalsePositiveRate: 0.01 }

/** Runs a generator to its end, and returns its result. */
export const finish = <A>(steps: Generator<void, A>): A => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

export interface TestTable {
  readonly file: FakeFile
  readonly meta: TableMeta
}

export const buildTable = (entries: ReadonlyArray<TestEntry>, options = plainOptions, fileNumber = 7): TestTable => {
  const file = new FakeFile(`${fileNumber}.sst`)
  const builder = new TableBuilder(file, fileNumber, tableStoreId, options)
  for (const entry of inOrder(entries)) {
    const { key, sequence, value = nothing } = entry
    builder.add(key, 0, key.length, sequence, kindOf(entry), value, 0, value.length)
  }
  return { file, meta: finish(builder.finish()) }
}

export const openTable = (file: StorageFile, cacheBytes = 1 << 20, fileNumber = 7): TableReader =>
  new TableReader(
    file,
    fileNumber,
    tableStoreId,
    new BlockCache(cacheBytes, plainOptions.blockSize),
    new ReadCounters()
  )

export const tableCursor = (
  reader: TableReader,
  options: { readonly readAhead: number; readonly fillCache: boolean } = { readAhead: 0, fillCache: true }
): TableCursor => new TableCursor(() => reader, options)

/** The places of all data blocks. */
export const handlesOf = (index: BlockIndex): Array<Handle> =>
  Array.from({ length: index.count }, (_, block) => {
    index.place(block)
    return { offset: index.offset, length: index.length }
  })
