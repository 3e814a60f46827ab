import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { hash, secondHash } from "../../../src/core/bytes/hash.js"
import { type LookupKey, ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { TableFilter } from "../../../src/core/table/filter.js"
import { FilterBuilder } from "../../../src/core/table/filterBuilder.js"
import { hasInLines, lineBytes } from "../../../src/core/table/lineFilter.js"
import { anyKey } from "../../support/entries.js"
import { check } from "../../support/property.js"

const key = new ReusableLookupKey()

/** Whether a filter of these keys may hold a key. */
const filterOf = (keys: ReadonlyArray<string | Uint8Array>, rate: number) => {
  const builder = new FilterBuilder(keys.length, rate)
  for (const k of keys) builder.add(key.set(k))
  const { bytes, hashCount } = builder.build()
  expect(bytes.length % lineBytes).toBe(0)
  // A filter may lie anywhere in a partition.
  const placed = Uint8Array.of(1, 2, 3, ...bytes)
  return { has: (k: LookupKey) => hasInLines(placed, 3, bytes.length / lineBytes, hashCount, k) }
}

/** Measures the false positive rate over several filters of one size. */
const falsePositives = (size: number, rate: number, name: (i: number) => string | Uint8Array): number => {
  const filters = Math.max(1, Math.ceil(20_000 / size))
  const probes = Math.ceil(50_000 / filters)
  let positives = 0
  for (let f = 0; f < filters; f++) {
    const from = f * (size + probes)
    const filter = filterOf(
      Array.from({ length: size }, (_, i) => name(from + i)),
      rate
    )
    for (let i = 0; i < probes; i++) if (filter.has(key.set(name(from + size + i)))) positives++
  }
  return positives / (filters * probes)
}

const names: Record<string, (i: number) => string | Uint8Array> = {
  "numbered keys": (i) => `user:${String(i).padStart(10, "0")}`,
  "keys of four bytes": (i) => Uint8Array.of(i >>> 24, i >>> 16, i >>> 8, i),
  "long keys that differ at the end": (i) => `${"x".repeat(200)}${i}`,
  "keys that differ in the middle": (i) => `${"x".repeat(6)}${i}${"y".repeat(30)}`
}

describe("hash", () => {
  it("depends on every byte of the range, and on no other byte", () => {
    check(
      FastCheck.property(anyKey, FastCheck.uint8Array({ maxLength: 5 }), FastCheck.nat(), (k, around, choice) => {
        const first = hash(k, 0, k.length)
        const second = secondHash
        const wrapped = Uint8Array.of(...around, ...k, ...around)
        expect(hash(wrapped, around.length, around.length + k.length)).toBe(first)
        expect(secondHash).toBe(second)
        if (k.length === 0) return
        const changed = k.slice()
        changed[choice % k.length]! ^= 1 << (choice % 8)
        const both = [hash(changed, 0, changed.length), secondHash]
        expect(both).not.toEqual([first, second])
        expect([first, second].every((h) => Number.isInteger(h) && h >= 0 && h < 2 ** 32)).toBe(true)
      }),
      500
    )
  })

  it("differs for keys of zeros of different lengths", () => {
    const hashes = new Set(Array.from({ length: 64 }, (_, n) => hash(new Uint8Array(n), 0, n)))
    expect(hashes.size).toBe(64)
  })
})

describe("a filter of lines", () => {
  it("never rejects a key that was added", () => {
    check(
      FastCheck.property(
        FastCheck.array(anyKey, { minLength: 1, maxLength: 60 }),
        FastCheck.constantFrom(1e-6, 0.01, 0.1, 0.5, 0.999),
        (keys, rate) => {
          const filter = filterOf(keys, rate)
          for (const k of keys) expect(filter.has(key.set(k))).toBe(true)
        }
      )
    )
  })

  for (const [kind, name] of Object.entries(names)) {
    it.each([
      [20_000, 0.01],
      [1000, 0.01],
      [50, 0.01],
      [20_000, 0.1],
      [50, 0.1]
    ])(`keeps its false positive rate for ${kind}: %i at %d`, (size, rate) => {
      expect(falsePositives(size, rate, name)).toBeLessThan(rate * 1.1)
    })
  }

  it("keeps small false positive rates", () => {
    const name = names["numbered keys"]!
    expect(falsePositives(1000, 1e-4, name)).toBeLessThan(5e-4)
    expect(falsePositives(1000, 1e-6, name)).toBeLessThan(1e-4)
  })
})

describe("the filter of a table of version 1", () => {
  const decoded = (hex: string) => TableFilter.decode(Buffer.from(hex, "hex"))!

  // Filters that the first release wrote.
  it.each([
    ["numbered keys", 8, (i: number) => `user:${i}`, "4d000000070000007c8ec4cc93cca40dd611"],
    ["numbered keys, a size between bytes", 5, (i: number) => `user:${i}`, "010000000100000001"],
    ["the empty key", 1, () => "", "020000000200000003"],
    ["keys of bytes", 16, (i: number) => Uint8Array.of(i, 255 - i, 0), "4d000000040000004f5fcd095f9433db3b05"]
  ])("holds %s", (_, keys, name, hex) => {
    const filter = decoded(hex)
    for (let i = 0; i < keys; i++) expect(filter.has(key.set(name(i)))).toBe(true)
  })

  it("rejects most other keys", () => {
    const filter = decoded("4d000000070000007c8ec4cc93cca40dd611")
    expect(Array.from({ length: 1000 }, (_, i) => filter.has(key.set(`other:${i}`))).filter(Boolean).length).toBe(5)
  })

  it("rejects malformed bytes, and works with any bytes that it accepts", () => {
    check(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 40 }), FastCheck.boolean(), (bytes, patched) => {
        if (patched && bytes.length > 8)
          bytes.set([(bytes.length - 8) * 8 - (bytes[0]! % 8), 0, 0, 0, bytes[4]! % 70, 0, 0, 0])
        const filter = TableFilter.decode(bytes)
        if (filter !== undefined) expect(typeof filter.has(key.set("a"))).toBe("boolean")
      }),
      500
    )
    expect(TableFilter.decode(new Uint8Array(7))).toBeUndefined()
  })
})
