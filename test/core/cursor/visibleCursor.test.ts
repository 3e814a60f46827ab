import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import type { InternalCursor } from "../../../src/core/cursor/internalCursor.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { type KeyRange, VisibleCursor } from "../../../src/core/cursor/visibleCursor.js"
import { Memtable } from "../../../src/core/memtable/memtable.js"
import { memtableCursors, newestCursors } from "../../../src/core/memtable/memtableCursor.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { LevelCursor } from "../../../src/core/table/levelCursor.js"
import {
  ArrayCursor,
  hex,
  history,
  kindOf,
  nothing,
  type Pair,
  shortKey,
  type TestEntry,
  visibleAt
} from "../../support/entries.js"
import { cutIntoTables } from "../../support/levels.js"
import { check } from "../../support/property.js"
import { openTable, tableCursor } from "../../support/tables.js"

const range: FastCheck.Arbitrary<KeyRange> = FastCheck.record({
  start: FastCheck.option(shortKey, { nil: undefined }),
  end: FastCheck.option(shortKey, { nil: undefined })
})

type Move =
  | { readonly move: "first" | "last" | "next" | "prev" }
  | { readonly move: "seek" | "seekBefore"; readonly key: Uint8Array }

const moves = FastCheck.array(
  FastCheck.oneof(
    { weight: 1, arbitrary: FastCheck.constantFrom<Move>({ move: "first" }, { move: "last" }) },
    { weight: 6, arbitrary: FastCheck.constantFrom<Move>({ move: "next" }, { move: "prev" }) },
    {
      weight: 2,
      arbitrary: FastCheck.tuple(FastCheck.constantFrom("seek" as const, "seekBefore" as const), shortKey).map(
        ([move, key]): Move => ({ move, key })
      )
    }
  ),
  { maxLength: 40, size: "max" }
)

const shown = (cursor: VisibleCursor): string | undefined =>
  cursor.valid
    ? `${hex(cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd))}=${hex(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))}`
    : undefined

const text = (pair: Pair | undefined): string | undefined => pair && `${hex(pair.key)}=${hex(pair.value)}`

const step = (cursor: VisibleCursor, move: Move): void => {
  if ("key" in move) cursor[move.move](move.key)
  else if (move.move === "first") cursor.seekToFirst()
  else if (move.move === "last") cursor.seekToLast()
  else cursor[move.move]()
}

/** The position in the sorted pairs after a move. */
const target = (pairs: ReadonlyArray<Pair>, at: number, move: Move): number => {
  if ("key" in move) {
    const below = pairs.filter(({ key }) => compare(key, move.key) < 0).length
    return move.move === "seek" ? below : below - 1
  }
  if (move.move === "first") return 0
  if (move.move === "last") return pairs.length - 1
  return move.move === "next" ? at + 1 : at - 1
}

const walk = (cursor: VisibleCursor, pairs: ReadonlyArray<Pair>, steps: ReadonlyArray<Move>): void => {
  let at = -1
  for (const move of [{ move: "first" } as const, ...steps]) {
    if ((move.move === "next" || move.move === "prev") && !cursor.valid) continue
    step(cursor, move)
    at = target(pairs, at, move)
    expect(shown(cursor)).toBe(text(pairs[at]))
  }
}

/**
 * The entries as a store holds them: the newest in memtables, older ones in tables, the oldest in a
 * level of tables.
 */
const asStored = (entries: ReadonlyArray<TestEntry>, sequence: number): InternalCursor => {
  const part = (from: number, to: number) =>
    entries.slice(Math.floor(entries.length * from), Math.floor(entries.length * to))
  const memtable = (some: ReadonlyArray<TestEntry>, cursors: typeof newestCursors) => {
    const table = new Memtable(1, 1 << 20)
    for (const entry of some) {
      const { key, value = nothing } = entry
      const bytes = Uint8Array.of(...key, ...value)
      table.insert(entry.sequence, kindOf(entry), bytes, 0, key.length, key.length, bytes.length)
    }
    return cursors(table, sequence)
  }
  const level = (some: ReadonlyArray<TestEntry>, most: number) => {
    const tables = cutIntoTables(some, most)
    return new LevelCursor(
      tables.map(({ meta }) => meta),
      ({ fileNumber }) => tableCursor(openTable(tables[fileNumber - 1]!.file, 300, fileNumber))
    )
  }
  return mergeCursors([
    ...memtable(part(0.8, 1), newestCursors),
    ...memtable(part(0.6, 0.8), memtableCursors),
    level(part(0.5, 0.6), 100),
    level(part(0.4, 0.5), 100),
    level(part(0, 0.4), 3)
  ])
}

const written = history(shortKey, { maxLength: 80 })

describe("a visible cursor", () => {
  it("shows what is visible in its range at its sequence number, in any order of moves", () => {
    check(
      FastCheck.property(written, FastCheck.nat(82), range, moves, (entries, sequence, within, steps) => {
        const pairs = visibleAt(entries, sequence, within)
        walk(new VisibleCursor(new ArrayCursor(entries), sequence, within), pairs, steps)
      }),
      500
    )
  })

  it("walks memtables, tables and levels as one", () => {
    check(
      FastCheck.property(written, FastCheck.nat(82), range, moves, (entries, sequence, within, steps) => {
        const pairs = visibleAt(entries, sequence, within)
        walk(new VisibleCursor(asStored(entries, sequence), sequence, within), pairs, steps)
      }),
      150
    )
  })

  it("changes direction at every entry", () => {
    check(
      FastCheck.property(written, FastCheck.nat(82), range, (entries, sequence, within) => {
        const pairs = visibleAt(entries, sequence, within)
        const there = pairs.flatMap(() => [{ move: "next" }, { move: "prev" }, { move: "next" }] as const)
        const back = pairs.flatMap(() => [{ move: "prev" }, { move: "next" }, { move: "prev" }] as const)
        walk(new VisibleCursor(asStored(entries, sequence), sequence, within), pairs, [
          ...there,
          { move: "last" },
          ...back
        ])
      })
    )
  })

  it("may stop on its way at any entry, and goes on or returns", () => {
    check(
      FastCheck.property(
        written,
        FastCheck.nat(82),
        range,
        moves,
        FastCheck.integer({ min: 1, max: 4 }),
        (entries, sequence, within, steps, patience) => {
          const pairs = visibleAt(entries, sequence, within)
          const cursor = new VisibleCursor(asStored(entries, sequence), sequence, within, { patience })
          let at = -1
          for (const [i, move] of [{ move: "first" } as const, ...steps].entries()) {
            if ((move.move === "next" || move.move === "prev") && !cursor.valid) continue
            const before = shown(cursor)
            const { skipped } = cursor
            cursor.renew()
            step(cursor, move)
            expect(cursor.skipped - skipped).toBeLessThanOrEqual(patience)
            if (cursor.unsettled && i % 3 === 0) {
              expect(shown(cursor)).toBeUndefined()
              cursor.backTo(cursor.cameFrom)
              expect([shown(cursor), cursor.unsettled]).toEqual([before, false])
              if (!cursor.valid) at = -1
              continue
            }
            for (let turns = 0; cursor.unsettled; turns++) {
              expect(shown(cursor)).toBeUndefined()
              expect(turns).toBeLessThan(200)
              cursor.renew()
              cursor.goOn()
            }
            at = target(pairs, at, move)
            expect(shown(cursor)).toBe(text(pairs[at]))
          }
        }
      ),
      300
    )
  })

  it("shows an entry of two sources once", () => {
    check(
      FastCheck.property(written, FastCheck.nat(82), range, moves, (entries, sequence, within, steps) => {
        const twice = mergeCursors([new ArrayCursor(entries), new ArrayCursor(entries.slice(0, 40))])
        walk(new VisibleCursor(twice, sequence, within), visibleAt(entries, sequence, within), steps)
      })
    )
  })

  it("does not examine entries after the end of its range", () => {
    const entry = (n: number, sequence: number): TestEntry => ({ key: Uint8Array.of(n), sequence, value: nothing })
    const entries = [entry(1, 1), ...Array.from({ length: 100 }, (_, i) => entry(10 + i, 100 + i))]
    const within = { start: undefined, end: Uint8Array.of(10) }
    const cursor = new VisibleCursor(new ArrayCursor(entries), 50, within)
    cursor.seekToFirst()
    cursor.next()
    expect(cursor.valid).toBe(false)
    expect(cursor.skipped).toBeLessThan(3)
  })

  it("shows nothing after a failure until the next seek", () => {
    const failing = (entries: ReadonlyArray<TestEntry>, when: () => boolean): InternalCursor => {
      class Failing extends ArrayCursor {
        private fail(): void {
          if (when()) throw new CorruptionFailure("f", 0, "data block", "test")
        }
        override seek(key: Uint8Array, length: number): void {
          this.fail()
          super.seek(key, length)
        }
        override next(): void {
          this.fail()
          super.next()
        }
        override prev(): void {
          this.fail()
          super.prev()
        }
      }
      return new Failing(entries)
    }
    check(
      FastCheck.property(written, range, moves, FastCheck.nat(20), (entries, within, steps, after) => {
        const pairs = visibleAt(entries, 100, within)
        let left = Number.POSITIVE_INFINITY
        const cursor = new VisibleCursor(
          failing(entries, () => left-- <= 0),
          100,
          within
        )
        walk(cursor, pairs, steps)
        left = after
        try {
          for (const move of steps) if (cursor.valid || "key" in move) step(cursor, move)
        } catch (failure) {
          expect(failure).toBeInstanceOf(CorruptionFailure)
          expect(shown(cursor)).toBeUndefined()
        }
        left = Number.POSITIVE_INFINITY
        walk(cursor, pairs, steps)
      })
    )
  })
})
