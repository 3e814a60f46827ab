import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { Found } from "../../src/internal/blockLookup.js"
import { EntryCache } from "../../src/internal/entryCache.js"
import { LookupKey } from "../../src/internal/lookupKey.js"
import { check } from "../support/property.js"

/** Versions of one key, newest first. */
type Versions = ReadonlyArray<{ readonly sequence: number; readonly value: Uint8Array }>

const key = new LookupKey()
const found = new Found()

const take = (value: Uint8Array, sequence: number) => {
  const padded = Uint8Array.of(9, ...value, 9)
  found.bytes = padded
  found.start = 1
  found.end = padded.length - 1
  found.sequence = sequence
}
const taken = () => found.bytes.slice(found.start, found.end)

/** Asks as a lookup does; what is not held is found in the tables, and offered where the newest version is asked for. */
const ask = (
  cache: EntryCache,
  tables: { readonly all: ReadonlyMap<string, Versions> },
  name: string,
  at?: number
): Uint8Array | undefined => {
  key.set(name)
  if (cache.find(tables, key, at ?? Number.POSITIVE_INFINITY, found)) return taken()
  const version = tables.all.get(name)?.find(({ sequence }) => at === undefined || sequence <= at)
  if (version === undefined) return undefined
  take(version.value, version.sequence)
  if (at === undefined) cache.offer(key, found, 1)
  return version.value
}

const names = Array.from({ length: 12 }, (_, i) => "k".repeat(i % 4) + i)

const steps = FastCheck.array(
  FastCheck.oneof(
    {
      weight: 10,
      arbitrary: FastCheck.record({ ask: FastCheck.constantFrom(...names), at: FastCheck.constant(undefined) })
    },
    { weight: 4, arbitrary: FastCheck.record({ ask: FastCheck.constantFrom(...names), at: FastCheck.nat(60) }) },
    { weight: 1, arbitrary: FastCheck.record({ write: FastCheck.constantFrom(...names), size: FastCheck.nat(600) }) }
  ),
  { maxLength: 300, size: "max" }
)

describe("the cache of entries", () => {
  it("answers as the tables do, of each version and at each sequence number", () => {
    let hits = 0
    check(
      FastCheck.property(steps, FastCheck.constantFrom(0, 500, 600, 2200, 10_000, 1 << 20), (plan, budget) => {
        const cache = new EntryCache(budget)
        let tables: { readonly all: ReadonlyMap<string, Versions> } = { all: new Map() }
        let sequence = 0
        for (const name of names)
          tables = { all: new Map([...tables.all, [name, [{ sequence: ++sequence, value: new Uint8Array(5) }]]]) }
        for (const step of plan) {
          if ("write" in step) {
            const version = { sequence: ++sequence, value: new Uint8Array(step.size).fill(sequence) }
            tables = { all: new Map([...tables.all, [step.write, [version, ...tables.all.get(step.write)!]]]) }
          } else {
            const { ask: name, at } = step
            const wanted = tables.all.get(name)!.find((version) => at === undefined || version.sequence <= at)
            expect(ask(cache, tables, name, at)).toEqual(wanted?.value)
          }
          expect(cache.used).toBeLessThanOrEqual(budget)
        }
        hits += cache.hits
      }),
      150
    )
    expect(hits).toBeGreaterThan(1000)
  })

  it("takes a key that is asked for twice, with what stands behind it", () => {
    const cache = new EntryCache(1 << 20)
    const tables = { all: new Map([["a", [{ sequence: 7, value: Uint8Array.of(1, 2) }]]]) }
    for (let i = 0; i < 5; i++) expect(ask(cache, tables, "a")).toEqual(Uint8Array.of(1, 2))
    expect([cache.hits, cache.level]).toEqual([3, 1])
    expect(ask(cache, tables, "a", 6)).toBeUndefined()
    expect(cache.hits).toBe(3)
  })

  it("keeps a key that others with its slot are asked for only once between", () => {
    const cache = new EntryCache(600)
    const all = new Map(["a", "b", "c"].map((name) => [name, [{ sequence: 1, value: Uint8Array.of(1) }]]))
    const tables = { all }
    for (const name of ["a", "a", "a", "b", "c", "b", "c", "a"]) ask(cache, tables, name)
    expect(cache.hits).toBe(2)
    for (const name of ["b", "b", "a", "b"]) ask(cache, tables, name)
    expect(cache.hits).toBe(3)
  })
})
