import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { equals } from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { CacheShare } from "../../../src/core/cache/cacheShare.js"
import { EntryCache, type EntrySource } from "../../../src/core/cache/entryCache.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { check } from "../../support/property.js"

/** Versions of one key, newest first. */
type Versions = ReadonlyArray<{ readonly sequence: number; readonly value: Uint8Array }>

const key = new ReusableLookupKey()
const found = new LookupResult()

const take = (value: Uint8Array, sequence: number) => {
  const padded = Uint8Array.of(9, ...value, 9)
  found.bytes = padded
  found.start = 1
  found.end = padded.length - 1
  found.sequence = sequence
}
const taken = () => found.bytes.slice(found.start, found.end)

/** The tables of a version, for lookups. */
class Tables implements EntrySource {
  constructor(readonly all: ReadonlyMap<string, Versions>) {}
  get entryCount(): number {
    return this.all.size
  }
  get byteCount(): number {
    let bytes = 0
    for (const [name, [newest]] of this.all) bytes += name.length + newest!.value.length
    return bytes
  }
  get rawBytes(): number {
    return this.byteCount
  }
  /** With one more version of a key. */
  with(name: string, version: Versions[number]): Tables {
    return new Tables(new Map([...this.all, [name, [version, ...(this.all.get(name) ?? [])]]]))
  }
}

/**
 * Asks like a lookup. An entry that is not cached is found in the tables, and offered if the newest
 * version was asked for.
 */
const ask = (cache: EntryCache, tables: Tables, name: string, at?: number): Uint8Array | undefined => {
  key.set(name)
  if (cache.find(tables, key, at ?? Number.POSITIVE_INFINITY, found)) return taken()
  const version = tables.all.get(name)?.find(({ sequence }) => at === undefined || sequence <= at)
  if (version === undefined) return undefined
  take(version.value, version.sequence)
  if (at === undefined) cache.offer(key, found, 1)
  return version.value
}

/** Blocks that use some of the memory, and give none of it back. */
const blocksOf = (used: number) => ({ used, shrink: () => undefined })

const forget = (cache: EntryCache, name: string) => {
  key.set(name)
  cache.forget(key.hash1, key.hash2)
}

/** Keys of several lengths, more than fit into the smallest budgets. */
const names = Array.from({ length: 400 }, (_, i) => "k".repeat(i % 7) + i)
const everything = (size: number): Tables =>
  new Tables(new Map(names.map((name, i) => [name, [{ sequence: i + 1, value: new Uint8Array(size).fill(i) }]])))

const nameOf = FastCheck.oneof(FastCheck.nat(9), FastCheck.nat(names.length - 1)).map((i) => names[i]!)
const steps = FastCheck.array(
  FastCheck.oneof(
    { weight: 40, arbitrary: FastCheck.record({ ask: nameOf, at: FastCheck.constant(undefined) }) },
    { weight: 8, arbitrary: FastCheck.record({ ask: nameOf, at: FastCheck.nat(600) }) },
    {
      weight: 1,
      arbitrary: FastCheck.record({ write: nameOf, size: FastCheck.oneof(FastCheck.nat(1100), FastCheck.nat(9000)) })
    },
    { weight: 1, arbitrary: FastCheck.record({ others: FastCheck.integer({ min: 0, max: 32 }) }) },
    { weight: 1, arbitrary: FastCheck.record({ names: FastCheck.integer({ min: 1, max: names.length }) }) },
    // Asks for all keys, so that chunks are swept.
    { weight: 1, arbitrary: FastCheck.record({ all: FastCheck.integer({ min: 1, max: 3 }) }) }
  ),
  { maxLength: 300, size: "max" }
)

const fixed = CacheShare.fixed

describe("the entry cache", () => {
  it("finds what the tables hold, for any version and sequence number, within its budget", () => {
    let hits = 0
    let copies = 0
    const budgets = FastCheck.record({
      total: FastCheck.constantFrom(40_000, 100_000, 1 << 20),
      part: FastCheck.constantFrom(0, 1 / 16, 1 / 4, 1),
      size: FastCheck.nat(400)
    })
    check(
      FastCheck.property(steps, budgets, (plan, { total, part, size }) => {
        const reserved = Math.floor(total * part)
        const others = blocksOf(0)
        const cache = new EntryCache({ total, share: fixed(reserved), others })
        let tables = everything(size)
        let sequence = names.length
        const expectAnswer = (name: string, at?: number) => {
          const wanted = tables.all.get(name)?.find((version) => at === undefined || version.sequence <= at)
          const answer = ask(cache, tables, name, at)
          expect(answer === undefined ? wanted === undefined : equals(answer, wanted!.value)).toBe(true)
          if (wanted === undefined) return
          const bytes = Buffer.from(`.${name}.`)
          const copy = cache.copyOf(bytes, 1, bytes.length - 1, wanted.sequence)
          if (copy !== undefined) copies++
          expect(copy === undefined || equals(copy, wanted.value)).toBe(true)
          expect(cache.copyOf(bytes, 1, bytes.length - 1, sequence + 1)).toBeUndefined()
        }
        for (const step of plan) {
          if ("write" in step) {
            forget(cache, step.write)
            tables = tables.with(step.write, { sequence: ++sequence, value: new Uint8Array(step.size).fill(sequence) })
          } else if ("others" in step) {
            others.used = Math.floor(((total - reserved) * step.others) / 32)
            cache.giveBack()
          } else if ("names" in step) {
            for (const name of names) forget(cache, name)
            tables = new Tables(new Map([...everything(size).all].slice(0, step.names)))
          } else if ("all" in step) {
            for (const name of tables.all.keys()) for (let i = 0; i < step.all; i++) expectAnswer(name)
          } else {
            expectAnswer(step.ask, step.at)
          }
          expect(cache.used).toBeLessThanOrEqual(reserved === 0 ? 0 : Math.max(reserved, total - others.used))
        }
        hits += cache.hits
      }),
      60
    )
    expect(hits).toBeGreaterThan(10_000)
    expect(copies).toBeGreaterThan(10_000)
  })

  it("adds each entry found while others leave the memory unused", () => {
    const cache = new EntryCache({ total: 1 << 20, share: fixed(1 << 16), others: blocksOf(0) })
    const tables = new Tables(new Map()).with("a", { sequence: 7, value: Uint8Array.of(1, 2) })
    for (let i = 0; i < 5; i++) expect(ask(cache, tables, "a")).toEqual(Uint8Array.of(1, 2))
    expect([cache.hits, cache.level, found.sequence]).toEqual([4, 1, 7])
    expect(ask(cache, tables, "a", 6)).toBeUndefined()
    expect(cache.hits).toBe(4)
  })

  it("holds almost every entry that there is room for", () => {
    const cache = new EntryCache({ total: 1 << 20, share: fixed(1 << 16), others: blocksOf(0) })
    const tables = everything(100)
    for (const name of names) ask(cache, tables, name)
    for (const name of names) ask(cache, tables, name)
    expect(cache.hits).toBeGreaterThan(names.length * 0.95)
  })

  it("holds large entries once they were asked for twice, in whatever order they come", () => {
    const cache = new EntryCache({ total: 1 << 22, share: fixed(1 << 19), others: blocksOf(0) })
    const tables = everything(4000)
    for (const name of names) ask(cache, tables, name)
    expect(cache.hits).toBe(0)
    // Keys that displace each other's doorkeepers in one round do not do so in all.
    for (let round = 0; round < 3; round++) for (const name of names) ask(cache, tables, name)
    const before = cache.hits
    for (const name of names) ask(cache, tables, name)
    expect(cache.hits - before).toBeGreaterThan(names.length * 0.98)
  })

  it("does not exchange all large entries at each round through more than there is room for", () => {
    const room = 1 << 19
    const cache = new EntryCache({ total: room, share: fixed(room), others: blocksOf(0) })
    const tables = everything(4000)
    for (let round = 0; round < 8; round++) for (const name of names) ask(cache, tables, name)
    const before = cache.hits
    for (const name of names) ask(cache, tables, name)
    // A quarter of them has room. With each one taken, those of the next round would be gone.
    expect(cache.hits - before).toBeGreaterThan(names.length / 8)
  })

  /** Asks for each name and returns how many were cached. */
  const hitsOf = (cache: EntryCache, tables: Tables, asked: ReadonlyArray<string>): number => {
    const before = cache.hits
    for (const name of asked) ask(cache, tables, name)
    return cache.hits - before
  }
  const reserved = 1 << 15
  const small = () => new EntryCache({ total: 1 << 18, share: fixed(reserved), others: blocksOf((1 << 18) - reserved) })
  const twice = (asked: ReadonlyArray<string>) => asked.flatMap((name) => [name, name])

  it("keeps entries that are asked for often while many others are added", () => {
    const cache = small()
    const tables = everything(300)
    const often = names.slice(0, 20)
    const others = names.slice(20)
    let hits = 0
    for (let round = 0; round < 40; round++) {
      hits = hitsOf(cache, tables, often)
      const at = (round * 20) % 360
      hitsOf(cache, tables, twice(others.slice(at, at + 20)))
    }
    expect(hits).toBeGreaterThanOrEqual(16)
  })

  it("drops entries that are no longer asked for", () => {
    const cache = small()
    const tables = everything(300)
    const [first, second] = [names.slice(0, 80), names.slice(80, 160)]
    for (let round = 0; round < 10; round++) hitsOf(cache, tables, twice(first))
    for (let round = 0; round < 10; round++) hitsOf(cache, tables, twice(second))
    const held = hitsOf(cache, tables, second)
    expect(held).toBeGreaterThan(40)
  })

  it("drops nothing for entries that are asked for once", () => {
    const cache = small()
    const tables = everything(300)
    hitsOf(cache, tables, names.slice(0, 200))
    const held = hitsOf(cache, tables, names.slice(0, 80))
    expect(held).toBeGreaterThan(50)
    hitsOf(cache, tables, names.slice(200))
    expect(hitsOf(cache, tables, names.slice(0, 80))).toBeGreaterThanOrEqual(held - 2)
  })

  it("gives back memory that others need", () => {
    const others = blocksOf(0)
    const cache = new EntryCache({ total: 1 << 18, share: fixed(reserved), others })
    const tables = everything(300)
    for (const name of names) ask(cache, tables, name)
    expect(cache.used).toBeGreaterThan(100_000)
    others.used = (1 << 18) - reserved
    cache.giveBack()
    expect(cache.used).toBeLessThanOrEqual(reserved)
    expect(cache.used).toBeGreaterThan(reserved / 2)
    expect(hitsOf(cache, tables, names)).toBeGreaterThan(50)
  })

  it("continues in the memory that is left after others took even its index", () => {
    const others = blocksOf(0)
    const [total, least] = [1 << 22, 1 << 15]
    const cache = new EntryCache({ total, share: fixed(least), others })
    const all = new Map(Array.from({ length: 60_000 }, (_, i) => [`${i}`, [{ sequence: 1, value: Uint8Array.of(1) }]]))
    const tables = new Tables(all)
    const asked = [...all.keys()]
    others.used = total / 2
    for (let i = 0; i < 2; i++) hitsOf(cache, tables, asked)
    others.used = total - least
    cache.giveBack()
    expect(cache.used).toBeLessThanOrEqual(least)
    for (let i = 0; i < 4; i++) hitsOf(cache, tables, asked.slice(0, 50))
    expect(hitsOf(cache, tables, asked.slice(0, 50))).toBeGreaterThan(40)
  })

  it("stays within its budget if a version has more entries than the previous one", () => {
    const cache = new EntryCache({ total: 40_000, share: fixed(40_000), others: blocksOf(0) })
    hitsOf(cache, new Tables(new Map([...everything(1000).all].slice(0, 40))), names.slice(0, 40))
    expect(cache.used).toBeGreaterThan(36_000)
    hitsOf(cache, everything(0), names)
    expect(cache.used).toBeLessThanOrEqual(40_000)
    expect(hitsOf(cache, everything(0), names)).toBeGreaterThan(300)
  })

  it("distinguishes keys with the same tag, and a key from its prefix", () => {
    for (const pair of [
      ["key11492", "key18054"],
      ["k9265217", "k9265217x"]
    ] as const) {
      const tags = pair.map((name) => key.set(name).hash2 >>> 8)
      expect(tags[0]).toBe(tags[1])
      const tables = new Tables(new Map()).with(pair[0], { sequence: 1, value: Uint8Array.of(1) })
      const both = tables.with(pair[1], { sequence: 2, value: Uint8Array.of(2) })
      const cache = new EntryCache({ total: 1 << 18, share: fixed(reserved), others: blocksOf(0) })
      for (const name of [pair[1], pair[0], pair[1], pair[0]]) {
        expect(ask(cache, both, name)).toEqual(both.all.get(name)![0]!.value)
      }
      expect(cache.hits).toBe(2)
    }
  })

  it("keeps its entries while other keys get newer versions", () => {
    const cache = new EntryCache({ total: 1 << 20, share: fixed(reserved), others: blocksOf(0) })
    let tables = everything(100)
    for (const name of names) ask(cache, tables, name)
    for (const [i, name] of names.slice(0, 100).entries()) {
      forget(cache, name)
      tables = tables.with(name, { sequence: 1000 + i, value: Uint8Array.of(i) })
    }
    expect(hitsOf(cache, tables, names.slice(100))).toBeGreaterThan(280)
    for (const [i, name] of names.slice(0, 100).entries()) expect(ask(cache, tables, name)).toEqual(Uint8Array.of(i))
  })

  it("takes from blocks what is reserved for it", () => {
    const [total, part] = [1 << 20, 1 << 18]
    const blocks = {
      used: total,
      shrink: () => {
        blocks.used = Math.min(blocks.used, total - Math.min(cache.used, part))
      }
    }
    const cache: EntryCache = new EntryCache({ total, share: fixed(part), others: blocks })
    hitsOf(cache, everything(300), names)
    expect(cache.used).toBeGreaterThan(part / 3)
    expect(cache.used).toBeLessThanOrEqual(part)
    expect(blocks.used + cache.used).toBe(total)
  })
})
