import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { dashboardText, expressions } from "../../scripts/grafana/dashboard.js"
import { definedMetrics } from "./definedMetrics.js"
import { root } from "./markdown.js"

const text = readFileSync(join(root, "docs/grafana/effect-lsm.json"), "utf8")
const isInstalled = spawnSync("promtool", ["--version"]).status === 0

/** The names of metrics in a text; those of a histogram without what its series end in. */
const namesIn = (expression: string): ReadonlyArray<string> =>
  [...expression.matchAll(/\blsm_[a-z0-9_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ""))

describe("the Grafana dashboard", () => {
  it("is what Grafana's builders make of scripts/grafana: npm run grafana", () => {
    expect(text).toBe(dashboardText())
  })

  it("asks for metrics that a store has, and for each of them", () => {
    const defined = definedMetrics().map(({ name }) => name)
    expect([...new Set(expressions.flatMap(namesIn))].sort()).toStrictEqual([...defined].sort())
    expect([...new Set(namesIn(text))].sort()).toStrictEqual([...defined].sort())
  })

  it("asks histograms, and nothing else, for quantiles", () => {
    const kinds = new Map(definedMetrics().map(({ name, kind }) => [name, kind]))
    for (const expression of expressions) {
      const [name] = namesIn(expression)
      const isHistogram = kinds.get(name!) === "histogram"
      expect(expression.includes("histogram_quantile"), expression).toBe(isHistogram)
      expect(expression.includes("rate("), expression).toBe(kinds.get(name!) !== "gauge")
    }
  })

  it.runIf(isInstalled)("has queries that Prometheus parses", () => {
    const rules = expressions.map((expression, i) => ({
      record: `dashboard:query${i}:checked`,
      expr: expression.replaceAll("$__rate_interval", "5m").replaceAll("$store", ".*")
    }))
    // YAML is a superset of JSON.
    const check = (some: ReadonlyArray<object>) => {
      const file = join(mkdtempSync(join(tmpdir(), "effect-lsm-rules-")), "rules.yml")
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules: some }] }))
      const result = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" })
      rmSync(dirname(file), { recursive: true })
      return result
    }
    const { status, stderr, stdout } = check(rules)
    expect(`${stdout}${stderr}`).toContain(`${expressions.length} rules found`)
    expect(status).toBe(0)
    expect(check([{ record: "broken:query", expr: "rate(lsm_puts_total)" }]).status).not.toBe(0)
  })
})
