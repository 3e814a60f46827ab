import { describe, expect, it } from "vitest"
import { definedMetrics } from "./definedMetrics.js"
import { readPage } from "./markdown.js"

/** The metrics that the page lists, with their kinds and units. */
const listed = readPage("docs/metrics.md").prose.flatMap((line) => {
  const row = /^\| `(lsm_[a-z0-9_]+)` \| (\w+) \| (\w+) \|/.exec(line)
  return row === null ? [] : [{ name: row[1]!, kind: row[2]!, unit: row[3]! }]
})

describe("the page of metrics", () => {
  it("lists each metric once, with its kind", () => {
    const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)
    expect(listed.map(({ name, kind }) => ({ kind, name })).sort(byName)).toStrictEqual(
      [...definedMetrics()].sort(byName)
    )
  })

  it("gives each the unit that its name says, and no name another than a base unit", () => {
    for (const { kind, name, unit } of listed) {
      const base = name.replace(/_total$/, "")
      if (unit === "seconds" || unit === "bytes") expect(base.endsWith(`_${unit}`), name).toBe(true)
      else expect(/_(seconds|bytes)$/.test(base), name).toBe(false)
      expect(/_(micro|milli|nano)seconds|_(kilo|mega)bytes|_(ms|us|kb)$/.test(base), name).toBe(false)
      expect(name.endsWith("_total"), name).toBe(kind === "counter")
    }
  })
})
