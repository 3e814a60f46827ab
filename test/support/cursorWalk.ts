import * as FastCheck from "effect/FastCheck"
import { expect } from "vitest"
import { compare } from "../../src/core/bytes/bytes.js"
import type { InternalCursor } from "../../src/core/cursor/internalCursor.js"
import { current, inOrder, show, type TestEntry } from "./entries.js"

/** One movement of a cursor. */
export type Move =
  | { readonly move: "first" | "last" | "next" | "prev" }
  | { readonly move: "seek"; readonly key: Uint8Array }

export const moves = (key: FastCheck.Arbitrary<Uint8Array>): FastCheck.Arbitrary<ReadonlyArray<Move>> =>
  FastCheck.array(
    FastCheck.oneof(
      { weight: 1, arbitrary: FastCheck.constantFrom<Move>({ move: "first" }, { move: "last" }) },
      { weight: 8, arbitrary: FastCheck.constantFrom<Move>({ move: "next" }, { move: "prev" }) },
      { weight: 2, arbitrary: key.map((k): Move => ({ move: "seek", key: k })) }
    ),
    { maxLength: 40, size: "max" }
  )

/** Moves a cursor over `entries` and compares it with the sorted array at every step. */
export const walk = (cursor: InternalCursor, entries: ReadonlyArray<TestEntry>, steps: ReadonlyArray<Move>): void => {
  const sorted = inOrder(entries)
  let at = 0
  cursor.seekToFirst()
  for (const step of [{ move: "first" } as const, ...steps]) {
    if (step.move === "first") {
      cursor.seekToFirst()
      at = 0
    } else if (step.move === "last") {
      cursor.seekToLast()
      at = sorted.length - 1
    } else if (step.move === "seek") {
      cursor.seek(step.key, step.key.length)
      at = sorted.findIndex(({ key }) => compare(key, step.key) >= 0)
    } else if (cursor.valid) {
      if (step.move === "next") {
        cursor.next()
        at++
      } else {
        cursor.prev()
        at--
      }
    } else {
      continue
    }
    expect(cursor.valid ? show(current(cursor)) : undefined).toBe(show(sorted[at]))
  }
}
