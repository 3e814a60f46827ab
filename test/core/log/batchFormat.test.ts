import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { EntryKind } from "../../../src/core/cursor/entryKind.js"
import * as batch from "../../../src/core/log/batchFormat.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { encodeBatch } from "../../support/batches.js"
import { anyKey, history, show, type TestEntry } from "../../support/entries.js"
import { check } from "../../support/property.js"

const decode = (bytes: Uint8Array, start = 0, end = bytes.length): ReadonlyArray<TestEntry> => {
  const entries: Array<TestEntry> = []
  batch.applyBatch(bytes, start, end, {
    insert: (sequence, kind, of, keyStart, keyEnd, valueStart, valueEnd) => {
      expect(start <= keyStart && keyStart <= keyEnd && keyEnd <= valueStart && valueStart <= valueEnd).toBe(true)
      expect(valueEnd).toBeLessThanOrEqual(end)
      const value = kind === EntryKind.deletion ? undefined : of.slice(valueStart, valueEnd)
      entries.push({ key: of.slice(keyStart, keyEnd), sequence, value })
    }
  })
  return entries
}

describe("a batch", () => {
  it("reads back at any position", () => {
    check(
      FastCheck.property(history(anyKey), FastCheck.integer({ min: 0, max: 2 ** 48 - 100 }), (entries, from) => {
        const numbered = entries.map((entry, i) => ({ ...entry, sequence: from + i }))
        const bytes = encodeBatch(numbered, from)
        const around = Uint8Array.of(9, 9, 9, ...bytes, 9, 9)
        expect(decode(around, 3, 3 + bytes.length).map(show)).toEqual(numbered.map(show))
        expect(batch.batchSequence(around, 3)).toBe(from)
        expect(batch.batchCount(around, 3)).toBe(entries.length)
        batch.checkBatch(bytes, 0, bytes.length)
      })
    )
  })

  it("is corrupt if it is cut short or followed by other bytes", () => {
    const entries = [
      { key: Uint8Array.of(1), sequence: 5, value: Uint8Array.of(2, 3) },
      { key: new Uint8Array(0), sequence: 6, value: undefined },
      { key: new Uint8Array(200), sequence: 7, value: new Uint8Array(300) }
    ]
    const bytes = encodeBatch(entries, 5)
    for (let end = 0; end < bytes.length; end++) {
      expect(() => batch.checkBatch(bytes, 0, end)).toThrow(CorruptionFailure)
    }
    expect(() => batch.checkBatch(Uint8Array.of(...bytes, 0), 0, bytes.length + 1)).toThrow(CorruptionFailure)
  })

  it("of any bytes is either read or corrupt", () => {
    const anyBytes = FastCheck.oneof(
      FastCheck.uint8Array({ maxLength: 40 }),
      FastCheck.tuple(history(anyKey, { minLength: 1, maxLength: 5 }), FastCheck.nat(), FastCheck.nat(255)).map(
        ([entries, at, byte]) => {
          const bytes = encodeBatch(entries, 1)
          bytes[at % bytes.length] = byte
          return bytes
        }
      )
    )
    check(
      FastCheck.property(anyBytes, (bytes) => {
        try {
          decode(bytes)
        } catch (failure) {
          expect(failure).toBeInstanceOf(CorruptionFailure)
        }
      }),
      1000
    )
  })
})
