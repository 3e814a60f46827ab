import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { StorageFailure } from "../../../src/core/storage/failure.js"
import { findTable, LevelCursor } from "../../../src/core/table/levelCursor.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { moves, walk } from "../../support/cursorWalk.js"
import { anyKey, current, history, shortKey, show, type TestEntry } from "../../support/entries.js"
import { cutIntoTables } from "../../support/levels.js"
import { check } from "../../support/property.js"
import { openTable, tableCursor } from "../../support/tables.js"

const level = (entries: ReadonlyArray<TestEntry>, most: number, beforeOpening: () => void = () => undefined) => {
  const tables = cutIntoTables(entries, most)
  const opened: Array<number> = []
  const open = ({ fileNumber }: TableMeta) => {
    beforeOpening()
    opened.push(fileNumber)
    return tableCursor(openTable(tables[fileNumber - 1]!.file, 0, fileNumber))
  }
  const metas = tables.map(({ meta }) => meta)
  return { metas, opened, cursor: new LevelCursor(metas, open) }
}

describe("a level cursor", () => {
  it("iterates and seeks like a cursor over one table", () => {
    check(
      FastCheck.property(
        history(shortKey, { maxLength: 80 }),
        FastCheck.integer({ min: 1, max: 20 }),
        moves(shortKey),
        (entries, most, steps) => walk(level(entries, most).cursor, entries, steps)
      )
    )
  })

  it("opens a table when it reaches it", () => {
    const entries = Array.from({ length: 20 }, (_, i) => ({ key: Uint8Array.of(i), sequence: i + 1, value: undefined }))
    const { cursor, opened } = level(entries, 2)
    cursor.seek(Uint8Array.of(9), 1)
    expect(opened).toEqual([5])
    cursor.next()
    expect(opened).toEqual([5, 6])
  })

  it("finds the table for a key", () => {
    check(
      FastCheck.property(history(shortKey, { minLength: 1 }), FastCheck.nat(5), anyKey, (entries, most, key) => {
        const { metas } = level(entries, most + 1)
        const expected = metas.findIndex(({ largestKey }) => compare(largestKey, key) >= 0)
        expect(findTable(metas, key, key.length)).toBe(expected < 0 ? metas.length : expected)
      })
    )
  })

  it("tries again after it failed to open a table", () => {
    const entries = Array.from({ length: 6 }, (_, i) => ({ key: Uint8Array.of(i), sequence: i + 1, value: undefined }))
    let failing = false
    const { cursor } = level(entries, 2, () => {
      if (failing) throw new StorageFailure("open", "2.sst", "EMFILE")
    })
    const seek = () => cursor.seek(Uint8Array.of(3), 1)
    cursor.seekToFirst()
    failing = true
    expect(seek).toThrow(StorageFailure)
    expect(seek).toThrow(StorageFailure)
    cursor.seekToFirst()
    cursor.next()
    expect(() => cursor.next()).toThrow(StorageFailure)
    expect(() => cursor.next()).toThrow(StorageFailure)
    failing = false
    cursor.next()
    expect(show(current(cursor))).toBe(show(entries[2]))
    seek()
    expect(show(current(cursor))).toBe(show(entries[3]))
  })
})
