import { describe, expect, it } from "vitest"
import { CacheShare } from "../../../src/core/cache/cacheShare.js"

const total = 64 * 1024 * 1024

/** Counts as many lookups as `decisions` take, with so many hits of each kind in each. */
const run = (share: CacheShare, decisions: number, entryHits: number, blockHits: number, lookups = 8192) => {
  const uses = { entries: { hits: 0, used: 0, givenBack: 0 }, blocks: { hits: 0, used: 0 } }
  const entries = {
    get hits() {
      return uses.entries.hits
    },
    get used() {
      return share.reserved
    },
    giveBack: () => {
      uses.entries.givenBack++
    }
  }
  const blocks = {
    get hits() {
      return uses.blocks.hits
    },
    get used() {
      return total - share.reserved
    }
  }
  for (let i = 0; i < decisions; i++) {
    uses.entries.hits += entryHits
    uses.blocks.hits += blockHits
    for (let j = 0; j < 8192; j++) {
      if (j < lookups) share.countLookup(entries, blocks)
      else share.countBlock(entries, blocks)
    }
  }
  return uses.entries.givenBack
}

describe("the share of entries in the cache", () => {
  const make = (needed = () => 0) => new CacheShare(total, 3 / 4, 1 / 4, 15 / 16, needed)

  it("moves to the kind of which a byte is of more use, within its bounds", () => {
    const share = make()
    expect(share.reserved).toBe((total * 3) / 4)
    expect(run(share, 4, 5000, 100)).toBe(0)
    expect(share.reserved).toBe(total * (3 / 4 + 4 / 64))
    run(share, 100, 5000, 100)
    expect(share.reserved).toBe((total * 15) / 16)
    expect(run(share, 4, 100, 5000)).toBe(4)
    expect(share.reserved).toBe(total * (15 / 16 - 4 / 64))
    run(share, 100, 1, 5000)
    expect(share.reserved).toBe((total * 3) / 4)
    expect(share.mostReserved).toBe((total * 15) / 16)
  })

  it("stays if both are of about equal use", () => {
    const share = make()
    // Three quarters of the memory have three times the hits, and a hit of an entry is worth two.
    run(share, 50, 3000, 2000)
    expect(share.reserved).toBe((total * 3) / 4)
  })

  it("goes to blocks when nothing is looked up, although blocks have no hits, and comes back", () => {
    const share = make()
    run(share, 100, 0, 0, 10)
    expect(share.reserved).toBe(total / 4)
    run(share, 1, 0, 500)
    expect(share.reserved).toBe((total * 3) / 4)
  })

  it("leaves blocks what they need, but entries their least part", () => {
    let needed = total / 4
    const share = make(() => needed)
    run(share, 100, 5000, 100)
    expect(share.reserved).toBe((total * 3) / 4)
    needed = total / 2
    expect(run(share, 1, 5000, 100)).toBe(1)
    expect(share.reserved).toBe(total / 2)
    needed = total * 2
    run(share, 1, 5000, 100)
    expect(share.reserved).toBe(total / 4)
  })

  it("is small while the budget has room for all blocks, and grows if entries are of use", () => {
    let whole = total - 1
    const share = new CacheShare(
      total,
      3 / 4,
      1 / 4,
      15 / 16,
      () => 0,
      () => whole
    )
    expect(run(share, 1, 0, 8000)).toBe(1)
    expect(share.reserved).toBe(total / 32)
    expect(share.mostReserved).toBe(total / 8)
    // All keys are asked for alike: half of this memory is index, and entries are larger than in blocks.
    run(share, 50, 120, 7880)
    expect(share.reserved).toBe(total / 32)
    run(share, 50, 5000, 3000)
    expect(share.reserved).toBe(total / 8)
    whole = total / 4
    run(share, 1, 5000, 3000)
    expect(share.reserved).toBe((total * 3) / 4)
    whole = total + 1
    run(share, 1, 100, 5000)
    expect(share.reserved).toBe((total * 3) / 4)
    expect(share.mostReserved).toBe((total * 15) / 16)
  })

  it("is all but what partitions need if there is room for all entries, while there are lookups", () => {
    let all = total / 2
    const share = new CacheShare(
      total,
      3 / 4,
      1 / 4,
      15 / 16,
      () => total / 8,
      () => total / 4,
      () => all
    )
    expect([share.isForAll, share.expected]).toStrictEqual([false, 0])
    // Hits of blocks do not change it.
    run(share, 1, 10, 8000)
    expect([share.reserved, share.isForAll, share.expected]).toStrictEqual([(total * 7) / 8, true, total / 2])
    run(share, 100, 0, 500, 10)
    expect(share.reserved).toBe(total / 4)
    run(share, 1, 10, 8000)
    expect(share.reserved).toBe((total * 7) / 8)
    // The store has grown.
    all = total
    run(share, 1, 10, 8000)
    expect([share.reserved, share.isForAll, share.expected]).toStrictEqual([(total * 3) / 4, false, 0])
    all = 0
    run(share, 1, 10, 8000)
    expect(share.isForAll).toBe(false)
  })

  it("does not move if it is fixed", () => {
    const share = CacheShare.fixed(1000)
    run(share, 20, 5000, 0)
    run(share, 20, 0, 5000)
    expect([share.reserved, share.mostReserved]).toStrictEqual([1000, 1000])
  })
})
