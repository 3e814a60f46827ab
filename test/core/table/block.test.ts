import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { BlockBuilder } from "../../../src/core/table/blockBuilder.js"
import { BlockCursor } from "../../../src/core/table/blockCursor.js"
import { BlockLookup, findInBlock } from "../../../src/core/table/blockLookup.js"
import { BlockView, blockTrailerSize } from "../../../src/core/table/blockView.js"
import { moves, walk } from "../../support/cursorWalk.js"
import {
  anyKey,
  collect,
  hex,
  history,
  inOrder,
  kindOf,
  nothing,
  shortKey,
  show,
  type TestEntry
} from "../../support/entries.js"
import { check } from "../../support/property.js"

const malformed = (): never => {
  throw new CorruptionFailure("f", 0, "data block", "malformed")
}

const lookupKey = new ReusableLookupKey()

const build = (
  entries: ReadonlyArray<TestEntry>,
  interval: number,
  builder = new BlockBuilder(interval)
): Uint8Array => {
  for (const entry of inOrder(entries)) {
    const { key, sequence, value = nothing } = entry
    const { hash2 } = lookupKey.set(key)
    builder.add(key, 0, key.length, sequence, kindOf(entry), value, 0, value.length, hash2)
  }
  const { size } = builder
  const { bytes, length } = builder.finish(5)
  expect(length).toBe(size)
  expect(bytes.length).toBeGreaterThanOrEqual(length + 5)
  return bytes.slice(0, length)
}

const open = (block: Uint8Array): BlockCursor => {
  const cursor = new BlockCursor(malformed)
  cursor.open(block)
  return cursor
}

const found = new LookupResult()

/** The result of a lookup, in the format of the model. */
const lookup = (block: Uint8Array, sought: Uint8Array, sequence: number): string | undefined => {
  const result = findInBlock(block, 0, block.length, lookupKey.set(sought), sequence, found)
  expect(result).not.toBe(BlockLookup.malformed)
  if (result !== BlockLookup.found) return undefined
  const value = found.kind === 0 ? undefined : found.bytes.slice(found.start, found.end)
  return show({ key: sought, sequence: found.sequence, value })
}

const interval = FastCheck.constantFrom(1, 2, 3, 16, 1000)
const manyVersions = history(shortKey, { maxLength: 80 })
const entriesOfAnyKind = FastCheck.oneof(manyVersions, history(anyKey))

describe("a block", () => {
  it("holds the entries added, in order", () => {
    check(
      FastCheck.property(entriesOfAnyKind, interval, (entries, every) => {
        expect(collect(open(build(entries, every))).map(show)).toEqual(inOrder(entries).map(show))
      })
    )
  })

  it("iterates and seeks like a sorted array, in both directions", () => {
    check(
      FastCheck.property(entriesOfAnyKind, interval, moves(shortKey), (entries, every, steps) => {
        const block = build(entries, every)
        walk(open(block), entries, steps)
        walk(
          open(block),
          entries,
          entries.map(({ key: k }) => ({ move: "seek", key: k }))
        )
      })
    )
  })

  it("finds the newest version at or before a sequence number", () => {
    check(
      FastCheck.property(
        entriesOfAnyKind,
        interval,
        FastCheck.array(FastCheck.tuple(anyKey, FastCheck.nat(80)), { maxLength: 20 }),
        (entries, every, others) => {
          const block = build(entries, every)
          const sought = [...others, ...entries.flatMap((e) => [-1, 0, 1].map((d) => [e.key, e.sequence + d] as const))]
          for (const [k, sequence] of sought) {
            const versions = entries.filter((e) => e.sequence <= sequence && compare(e.key, k) === 0)
            expect(lookup(block, k, sequence)).toBe(show(versions.at(-1)))
          }
        }
      )
    )
  })

  it("keeps the largest sequence number", () => {
    const entry = { key: Uint8Array.of(1), sequence: 2 ** 48 - 1, value: Uint8Array.of(2) }
    expect(collect(open(build([entry], 16)))).toEqual([entry])
  })

  it("may hold a value of megabytes, and its builder can then build small blocks", () => {
    const builder = new BlockBuilder(16)
    const large = { key: Uint8Array.of(1), sequence: 1, value: new Uint8Array(3_000_000).fill(7) }
    expect(hex(collect(open(build([large], 16, builder)))[0]!.value!)).toBe(hex(large.value))
    builder.reset()
    const small = { key: Uint8Array.of(1, 2), sequence: 9, value: undefined }
    expect(collect(open(build([small], 16, builder)))).toEqual([small])
  })

  it("may be empty", () => {
    const block = build([], 4)
    walk(open(block), [], [{ move: "last" }, { move: "seek", key: nothing }])
    expect(lookup(block, nothing, 9)).toBeUndefined()
  })
})

describe("malformed block bytes", () => {
  const damaged = FastCheck.oneof(
    FastCheck.uint8Array({ maxLength: 60 }),
    FastCheck.tuple(entriesOfAnyKind, interval, FastCheck.nat(), FastCheck.nat(255)).map(
      ([entries, every, at, byte]) => {
        const block = build(entries, every)
        block[at % block.length] = byte
        return block
      }
    ),
    // The layout is that of a block, so that the damaged columns are read.
    FastCheck.tuple(
      entriesOfAnyKind,
      interval,
      FastCheck.array(FastCheck.tuple(FastCheck.nat(), FastCheck.nat(255)))
    ).map(([entries, every, changes]) => {
      const block = build(entries, every)
      const size = block.length - blockTrailerSize + 15
      for (const [at, byte] of changes) block[at % size] = byte
      return block
    })
  )

  it("are rejected, or iterated in a bounded number of steps", () => {
    check(
      FastCheck.property(damaged, shortKey, (bytes, sought) => {
        const attempt = (run: () => void): void => {
          try {
            run()
          } catch (failure) {
            expect(failure).toBeInstanceOf(CorruptionFailure)
          }
        }
        const layout = new BlockView()
        const most = layout.open(bytes, 0, bytes.length) ? layout.count : 0
        const cursor = new BlockCursor(malformed)
        const walkAll = (start: () => void, step: () => void) =>
          attempt(() => {
            cursor.open(bytes)
            let seen = 0
            for (start(); cursor.valid; step()) {
              if (++seen > most) throw new Error("the cursor returned too many entries")
              expect(cursor.keyEnd).toBeLessThanOrEqual(bytes.length ** 2)
              expect(cursor.valueEnd).toBeLessThanOrEqual(bytes.length)
            }
          })
        walkAll(
          () => cursor.seekToFirst(),
          () => cursor.next()
        )
        walkAll(
          () => cursor.seekToLast(),
          () => cursor.prev()
        )
        walkAll(
          () => cursor.seek(sought, sought.length),
          () => cursor.next()
        )
        const result = findInBlock(bytes, 0, bytes.length, lookupKey.set(sought), 50, found)
        expect([BlockLookup.absent, BlockLookup.found, BlockLookup.malformed, BlockLookup.newer]).toContain(result)
        if (result === BlockLookup.found) expect(found.start <= found.end && found.end <= bytes.length).toBe(true)
      }),
      1000
    )
  })
})
