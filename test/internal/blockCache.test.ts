import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { BlockCache } from "../../src/internal/blockCache.js"
import { check } from "../support/property.js"

const overhead = 128

type Step = {
  readonly step: "put" | "get" | "forget"
  readonly owner: number
  readonly index: number
  readonly size: number
}

const steps: FastCheck.Arbitrary<ReadonlyArray<Step>> = FastCheck.array(
  FastCheck.record({
    step: FastCheck.oneof(
      { weight: 5, arbitrary: FastCheck.constantFrom("put" as const, "get" as const) },
      { weight: 1, arbitrary: FastCheck.constant("forget" as const) }
    ),
    owner: FastCheck.nat(2),
    index: FastCheck.nat(9),
    size: FastCheck.oneof(FastCheck.nat(60), FastCheck.nat(2000))
  }),
  { maxLength: 120, size: "max" }
)

const owners = (count: number, blocks: number) =>
  Array.from({ length: count }, () => ({ slots: new Int32Array(blocks).fill(-1) }))

describe("the block cache", () => {
  it("keeps to its budget and answers with the block that was put in, or none", () => {
    check(
      FastCheck.property(steps, FastCheck.constantFrom(0, 127, 128, 500, 1500, 100_000), (plan, budget) => {
        const cache = new BlockCache(budget)
        const all = owners(3, 10)
        const last = new Map<string, Uint8Array>()
        for (const { step, owner, index, size } of plan) {
          const of = all[owner]!
          const id = `${owner}/${index}`
          if (step === "put" && of.slots[index] === -1) {
            const block = new Uint8Array(size)
            last.set(id, block)
            cache.put(of, index, block)
          } else if (step === "get") {
            const there = of.slots[index]! >= 0
            expect(cache.get(of, index)).toBe(there ? last.get(id) : undefined)
          } else if (step === "forget") {
            cache.forget(of)
            expect(of.slots.every((slot) => slot === -1)).toBe(true)
          }
          const held = [...last].filter(([key]) => {
            const [o, i] = key.split("/").map(Number)
            return all[o!]!.slots[i!]! >= 0
          })
          const slots = all.flatMap(({ slots: own }) => [...own]).filter((slot) => slot >= 0)
          expect(new Set(slots).size).toBe(slots.length)
          expect(slots.length).toBe(held.length)
          expect(cache.used).toBe(held.reduce((n, [, block]) => n + block.length + overhead, 0))
          expect(cache.used).toBeLessThanOrEqual(budget)
        }
        for (const owner of all) cache.forget(owner)
        expect(cache.used).toBe(0)
      }),
      80
    )
  })

  it("gives a block that was asked for a second chance", () => {
    const cache = new BlockCache(3 * (100 + overhead))
    const [owner] = owners(1, 10)
    const put = (index: number) => cache.put(owner!, index, new Uint8Array(100))
    const there = (index: number) => owner!.slots[index]! >= 0
    for (const index of [0, 1, 2]) put(index)
    cache.get(owner!, 0)
    put(3)
    expect([0, 1, 2, 3].map(there)).toEqual([true, false, true, true])
    put(4)
    expect([0, 2, 3, 4].map(there)).toEqual([true, false, true, true])
    expect([cache.hits, cache.evictions]).toEqual([1, 2])
  })

  it("counts hits, misses and evictions", () => {
    const cache = new BlockCache(1000)
    const [owner] = owners(1, 2)
    cache.get(owner!, 0)
    cache.put(owner!, 0, new Uint8Array(500))
    cache.get(owner!, 0)
    cache.put(owner!, 1, new Uint8Array(500))
    cache.put(owner!, 0, new Uint8Array(873))
    expect([cache.hits, cache.misses, cache.evictions]).toEqual([1, 1, 1])
  })
})
