import { spawnSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore, Metrics, type Store } from "effect-lsm"
import { turn } from "../support/eventually.js"

/** Prometheus' own tool, of Debian's package `prometheus`. CI installs it. */
const isInstalled = spawnSync("promtool", ["--version"]).status === 0

const check = (text: string) => {
  const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" })
  return { status, printed: `${stdout}${stderr}` }
}

const use = (store: Store.Store) =>
  Effect.gen(function* () {
    for (let i = 0; i < 50; i++) yield* store.put(`k${i}`, "v".repeat(i * 100))
    yield* store.delete("k1")
    yield* store.flush
    yield* store.compact()
    yield* store.getMany(["k2", "k3", "nowhere"])
    yield* store.get("k4")
    yield* store.collect()
    yield* turn
  })

describe.runIf(isInstalled)(isInstalled ? "promtool" : "promtool is not installed, so nothing checks", () => {
  it.scoped("accepts the text of a store, and that of all stores, without a remark", () =>
    Effect.gen(function* () {
      const names = ["users", `a "quoted" \\ name\n of two lines`]
      for (const name of names) {
        const store = yield* LsmStore.makeMemory({ name, latencySampling: 1, valueThreshold: 1000 })
        yield* use(store)
        expect(check(yield* store.prometheus)).toStrictEqual({ status: 0, printed: "" })
      }
      const all = yield* Metrics.prometheus
      expect(all.match(/^lsm_puts_total\{/gm)).toHaveLength(2)
      expect(check(all)).toStrictEqual({ status: 0, printed: "" })
    })
  )

  it("has remarks on names that are against Prometheus' conventions", () => {
    const text = "# HELP lsm_get_microseconds x\n# TYPE lsm_get_microseconds gauge\nlsm_get_microseconds 1\n"
    expect(check(text).printed).toContain("seconds")
    expect(check(text).status).not.toBe(0)
  })
})
