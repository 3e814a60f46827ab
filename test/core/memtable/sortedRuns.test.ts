import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { mergeRuns, mergeSort, SortedRuns } from "../../../src/core/memtable/sortedRuns.js"
import { check } from "../../support/property.js"

const ids = FastCheck.array(FastCheck.nat(500), { maxLength: 200, size: "max" }).map((all) => Uint32Array.from(all))
const ascending = (a: number, b: number): number => a - b

describe("sorted runs", () => {
  it("sort and merge like arrays", () => {
    check(
      FastCheck.property(ids, ids, (a, b) => {
        const sortedA = mergeSort(a.slice(), ascending)
        const sortedB = mergeSort(b.slice(), ascending)
        expect(sortedA.join()).toBe([...a].sort(ascending).join())
        expect(mergeRuns(sortedA, sortedB, ascending).join()).toBe([...a, ...b].sort(ascending).join())
      })
    )
  })

  it("hold every id once, in few sorted runs", () => {
    const runs = new SortedRuns(ascending)
    const count = 300_000
    for (let i = 0; i < count; i++) {
      runs.add((i * 7919) % count)
      if (i % 9973 === 0) runs.snapshot()
    }
    const all = runs.snapshot()
    expect(all.length).toBeLessThan(30)
    expect(all.every((run) => run.every((id, i) => i === 0 || run[i - 1]! < id))).toBe(true)
    expect(new Set(all.flatMap((run) => [...run])).size).toBe(count)
    expect(all.reduce((n, run) => n + run.length, 0)).toBe(count)
    expect(runs.snapshot()).toBe(all)
  })
})
