import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { moves, walk } from "../../support/cursorWalk.js"
import { ArrayCursor, collect, history, shortKey, show, type TestEntry } from "../../support/entries.js"
import { check } from "../../support/property.js"

/** Entries distributed over several sources, each of which may be empty. */
const dealt = FastCheck.tuple(
  history(shortKey, { maxLength: 80 }),
  FastCheck.array(FastCheck.nat(5), { minLength: 80, maxLength: 80 })
).map(([entries, places]) => ({
  entries,
  sources: Array.from({ length: 6 }, (_, source) => entries.filter((_entry, i) => places[i] === source))
}))

const merged = (sources: ReadonlyArray<ReadonlyArray<TestEntry>>) =>
  mergeCursors(sources.map((source) => new ArrayCursor(source)))

describe("a merge cursor", () => {
  it("behaves like one sorted array of all sources, with any changes of direction", () => {
    check(
      FastCheck.property(dealt, moves(shortKey), ({ entries, sources }, steps) =>
        walk(merged(sources), entries, steps)
      ),
      500
    )
  })

  it("changes direction at every entry", () => {
    check(
      FastCheck.property(dealt, ({ entries, sources }) => {
        const there = entries.flatMap(() => [{ move: "next" }, { move: "prev" }, { move: "next" }] as const)
        const back = entries.flatMap(() => [{ move: "prev" }, { move: "next" }, { move: "prev" }] as const)
        walk(merged(sources), entries, [...there, { move: "last" }, ...back])
      })
    )
  })

  it("of one source is that source, and of no source is empty", () => {
    const only = new ArrayCursor([])
    expect(mergeCursors([only])).toBe(only)
    walk(mergeCursors([]), [], [{ move: "last" }, { move: "seek", key: Uint8Array.of(1) }])
  })

  it("shows an entry of two sources at most twice, and loses none next to it", () => {
    check(
      FastCheck.property(dealt, ({ entries, sources }) => {
        const cursor = merged([...sources, entries])
        const seen = collect(cursor).map(show)
        expect(new Set(seen)).toEqual(new Set(entries.map(show)))
        expect(seen.length).toBe(entries.length * 2)
      })
    )
  })
})
