import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { BlockCache } from "../../../src/core/cache/blockCache.js"
import { absent } from "../../../src/core/cache/cacheSlots.js"
import { check } from "../../support/property.js"

const blockSize = 500

type Step = {
  readonly step: "put" | "get" | "copy" | "forget"
  readonly owner: number
  readonly index: number
  readonly size: number
}

const steps: FastCheck.Arbitrary<ReadonlyArray<Step>> = FastCheck.array(
  FastCheck.record({
    step: FastCheck.oneof(
      { weight: 8, arbitrary: FastCheck.constantFrom("put" as const, "put" as const, "get" as const, "copy" as const) },
      { weight: 1, arbitrary: FastCheck.constant("forget" as const) }
    ),
    owner: FastCheck.nat(2),
    index: FastCheck.nat(29),
    size: FastCheck.oneof(FastCheck.nat(60), FastCheck.nat(blockSize), FastCheck.integer({ min: 513, max: 4000 }))
  }),
  { maxLength: 200, size: "max" }
)

const owners = (count: number, blocks: number) =>
  Array.from({ length: count }, () => ({ slots: new Int32Array(blocks).fill(absent) }))

const found = (cache: BlockCache) => cache.bytes.slice(cache.start, cache.end)

describe("the block cache", () => {
  it("stays within its budget and returns the bytes that were put in, or none", () => {
    let most = 0
    check(
      FastCheck.property(
        steps,
        FastCheck.constantFrom(0, 127, 500, 700, 1500, 9000, 40_000, 1 << 20),
        (plan, budget) => {
          const cache = new BlockCache(budget, blockSize)
          const all = owners(3, 30)
          const last = new Map<string, Uint8Array>()
          const target = new Uint8Array(4000)
          let seed = 0
          for (const { step, owner, index, size } of plan) {
            const of = all[owner]!
            const id = `${owner}/${index}`
            if (step === "put" && of.slots[index] === absent) {
              const block = Uint8Array.from({ length: size }, (_, i) => i + seed)
              seed++
              last.set(id, block.slice())
              cache.put(of, index, block)
            } else if (step === "get" || step === "copy") {
              const there = of.slots[index] !== absent
              expect(step === "get" ? cache.get(of, index) : cache.copy(of, index, target)).toBe(there)
              if (there) expect(found(cache)).toEqual(last.get(id))
            } else if (step === "forget") {
              cache.forget(of)
              expect(of.slots.every((slot) => slot === absent)).toBe(true)
            }
            expect(cache.used).toBeLessThanOrEqual(budget)
            const slots = all.flatMap(({ slots: own }) => [...own]).filter((slot) => slot !== absent)
            expect(new Set(slots).size).toBe(slots.length)
            most = Math.max(most, slots.length)
          }
          for (const [id, block] of last) {
            const [owner, index] = id.split("/").map(Number)
            if (cache.get(all[owner!]!, index!)) expect(found(cache)).toEqual(block)
          }
        }
      ),
      150
    )
    expect(most).toBeGreaterThan(20)
  })

  it("gives a second chance to a block that was asked for", () => {
    const cache = new BlockCache(3 * 544, blockSize)
    const [owner] = owners(1, 10)
    const put = (index: number) => cache.put(owner!, index, new Uint8Array(100))
    const there = (index: number) => owner!.slots[index] !== absent
    for (const index of [0, 1, 2]) put(index)
    cache.get(owner!, 0)
    put(3)
    expect([0, 1, 2, 3].map(there)).toEqual([true, false, true, true])
    put(4)
    expect([0, 2, 3, 4].map(there)).toEqual([true, false, true, true])
    expect([cache.hits, cache.evictions]).toEqual([1, 2])
  })

  it("counts hits, misses and evictions", () => {
    const cache = new BlockCache(600, blockSize)
    const [owner] = owners(1, 2)
    expect(cache.get(owner!, 0)).toBe(false)
    cache.put(owner!, 0, new Uint8Array(500))
    expect(cache.get(owner!, 0)).toBe(true)
    cache.put(owner!, 1, new Uint8Array(500))
    expect([cache.hits, cache.misses, cache.evictions]).toEqual([1, 2, 1])
  })

  it("shares its budget between packed blocks and larger ones", () => {
    const cache = new BlockCache(20_000, blockSize)
    const [small, large] = owners(2, 100)
    const count = (slots: Int32Array) => slots.filter((slot) => slot !== absent).length
    for (let i = 0; i < 100; i++) cache.put(small!, i, new Uint8Array(400))
    const alone = count(small!.slots)
    expect(alone).toBeGreaterThanOrEqual(28)
    for (let i = 0; i < 100; i++) cache.put(large!, i, new Uint8Array(1000))
    expect(count(small!.slots)).toBeGreaterThan(alone / 4)
    expect(count(large!.slots)).toBeGreaterThanOrEqual(6)
    cache.forget(small!)
    cache.forget(large!)
    for (let i = 0; i < 100; i++) cache.put(small!, i, new Uint8Array(400))
    expect(count(small!.slots)).toBe(alone)
  })

  for (const [kind, size, budget] of [
    ["packed", 500, 600],
    ["loose", 700, 1500]
  ] as const) {
    it(`does not change blocks that were put in or copied when a ${kind} one takes their memory`, () => {
      const cache = new BlockCache(budget, blockSize)
      const [owner] = owners(1, 2)
      const target = new Uint8Array(size)
      const first = new Uint8Array(size).fill(1)
      cache.put(owner!, 0, first)
      expect(cache.copy(owner!, 0, target)).toBe(true)
      const { bytes, start, end } = cache
      cache.put(owner!, 1, new Uint8Array(size).fill(2))
      expect(cache.get(owner!, 0)).toBe(false)
      expect(bytes.slice(start, end)).toEqual(first)
      expect(first.every((byte) => byte === 1)).toBe(true)
      expect(cache.get(owner!, 1)).toBe(true)
      expect(found(cache)).toEqual(new Uint8Array(size).fill(2))
    })
  }

  it("gives back what others claim", () => {
    let claimed = 0
    const cache = new BlockCache(100_000, blockSize, () => claimed)
    const [of] = owners(1, 400)
    for (let i = 0; i < 200; i++) cache.put(of!, i, new Uint8Array(i % 3 === 0 ? 2000 : 400))
    expect(cache.used).toBeGreaterThan(60_000)
    for (claimed of [50_000, 90_000, 100_000]) {
      cache.shrink()
      expect(cache.used).toBeLessThanOrEqual(100_000 - claimed)
    }
    cache.put(of!, 300, new Uint8Array(400))
    expect(cache.used).toBe(0)
    claimed = 0
    cache.put(of!, 301, new Uint8Array(400))
    expect(cache.get(of!, 301)).toBe(true)
  })

  it("settles when small and large blocks need the same memory", () => {
    const cache = new BlockCache(1 << 20, blockSize)
    const [small, large] = owners(2, 4000)
    for (let i = 0; i < 20_000; i++) {
      const at = (i * 7919) % 4000
      if (!cache.find(small!, at)) cache.add(small!, at, new Uint8Array(400))
      if (!cache.find(large!, at)) cache.add(large!, at, new Uint8Array(2000))
    }
    const before = cache.evictions
    cache.add(large!, large!.slots.indexOf(absent), new Uint8Array(2000))
    cache.add(small!, small!.slots.indexOf(absent), new Uint8Array(400))
    // One of each kind, not a whole chunk.
    expect(cache.evictions - before).toBeLessThanOrEqual(3)
  })
})
