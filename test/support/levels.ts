import { compare } from "../../src/core/bytes/bytes.js"
import { inOrder, type TestEntry } from "./entries.js"
import { buildTable, type TestTable } from "./tables.js"

/**
 * Splits entries into disjoint tables of about `most` entries. All versions of a key are in one
 * table.
 */
export const cutIntoTables = (entries: ReadonlyArray<TestEntry>, most: number): ReadonlyArray<TestTable> => {
  const groups: Array<Array<TestEntry>> = []
  for (const entry of inOrder(entries)) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    if (group === undefined || (group.length >= most && compare(last!.key, entry.key) !== 0)) groups.push([entry])
    else group.push(entry)
  }
  return groups.map((group, i) =>
    buildTable(group, { blockSize: 64, restartInterval: 2, filterFalsePositiveRate: 1 }, i + 1)
  )
}
