import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { Retention } from "../../../src/core/cursor/retention.js"
import {
  ArrayCursor,
  current,
  hex,
  history,
  nothing,
  type Pair,
  shortKey,
  show,
  type TestEntry,
  visibleAt
} from "../../support/entries.js"
import { check } from "../../support/property.js"

const snapshots = FastCheck.uniqueArray(FastCheck.nat(60), { maxLength: 5 }).map((all) => all.sort((a, b) => a - b))

const keep = (
  entries: ReadonlyArray<TestEntry>,
  held: ReadonlyArray<number>,
  isBottom: (key: Uint8Array) => boolean
): ReadonlyArray<TestEntry> => {
  const retention = new Retention(held, (bytes, start, end) => isBottom(bytes.slice(start, end)))
  const kept: Array<TestEntry> = []
  const cursor = new ArrayCursor(entries)
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) if (retention.keeps(cursor)) kept.push(current(cursor))
  return kept
}

const seen = (pairs: ReadonlyArray<Pair>): string => pairs.map(({ key, value }) => `${hex(key)}=${hex(value)}`).join()

const now = Number.MAX_SAFE_INTEGER

/** Whether something below holds the key, so that `isBottom` depends on the key. */
const below = (key: Uint8Array): boolean => key.length % 2 === 0

describe("retention", () => {
  it("changes nothing that any reader sees, including older data below", () => {
    check(
      FastCheck.property(history(shortKey, { maxLength: 60 }), FastCheck.nat(60), snapshots, (entries, older, held) => {
        // The oldest entries are below, so their keys are not at the bottom.
        const beneath = entries.slice(0, older)
        const merged = entries.slice(older)
        const isBottom = (key: Uint8Array) => !beneath.some((entry) => compare(entry.key, key) === 0)
        const kept = keep(merged, held, isBottom)
        for (const sequence of [...held, now]) {
          expect(seen(visibleAt([...beneath, ...kept], sequence))).toBe(seen(visibleAt(entries, sequence)))
        }
      }),
      500
    )
  })

  it("keeps the versions that are needed and no others", () => {
    check(
      FastCheck.property(history(shortKey, { maxLength: 60 }), snapshots, (entries, held) => {
        const isBottom = (key: Uint8Array) => !below(key)
        const newest = (key: Uint8Array, sequence: number) =>
          entries.filter((entry) => compare(entry.key, key) === 0 && entry.sequence <= sequence).at(-1)
        const expected = entries.filter((entry) => {
          const readers = [...held, now].filter((sequence) => newest(entry.key, sequence) === entry)
          if (readers.length === 0) return false
          // A tombstone is needed only if an older version remains.
          return entry.value !== undefined || below(entry.key) || held.some((sequence) => sequence < entry.sequence)
        })
        const kept = keep(entries, held, isBottom)
        expect(new Set(kept.map(show))).toEqual(new Set(expected.map(show)))
      }),
      500
    )
  })

  it("reads few of many snapshots for each version", () => {
    let asked = 0
    const held = new Proxy(
      Array.from({ length: 4096 }, (_, i) => i * 2),
      {
        get: (target, name, receiver) => {
          if (typeof name === "string" && name !== "length") asked++
          return Reflect.get(target, name, receiver)
        }
      }
    )
    const entries = Array.from({ length: 8192 }, (_, i) => ({ key: nothing, sequence: i, value: nothing }))
    expect(keep(entries, held, () => true)).toHaveLength(4097)
    expect(asked).toBeLessThan(8192 * 16)
  })

  it("drops tombstones only at the bottom", () => {
    check(
      FastCheck.property(history(shortKey, { maxLength: 60 }), (entries) => {
        const deleted = (some: ReadonlyArray<TestEntry>) => some.filter(({ value }) => value === undefined)
        expect(deleted(keep(entries, [], () => true))).toEqual([])
        const last = new Map(entries.map((entry) => [hex(entry.key), entry]))
        const expected = deleted([...last.values()]).map(show)
        expect(new Set(deleted(keep(entries, [], () => false)).map(show))).toEqual(new Set(expected))
      })
    )
  })
})
