import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { LsmOptions } from "effect-lsm"
import { explore } from "./explore.js"
import { findWorkload } from "./workloads.js"

/** Recoveries from a log alone, from a log and tables, and with a table written for each record. */
const recoveries: ReadonlyArray<readonly [string, LsmOptions.Tuning]> = [
  ["single puts", {}],
  ["deletes", {}],
  ["batches", { memtableBytes: 1, level0Tables: 1 }]
]

describe("a crash during the recovery from a crash", () => {
  it.live.each(recoveries)(
    "of %s, at every operation, in every state",
    ([name, recoverWith]) =>
      Effect.gen(function* () {
        const { findings, secondCrashes } = yield* explore(
          { ...findWorkload(name), recoverWith },
          { seed: 1, maxStates: 4, secondCrashEvery: 1, secondStates: Number.MAX_SAFE_INTEGER, stopAtFirst: false }
        )
        expect(findings).toEqual([])
        expect(secondCrashes).toBeGreaterThan(100)
      }),
    300_000
  )

  // Several segments have torn ends at once, and the recovery removes one before another.
  it.live(
    "of a rotation on a slow disk, at every operation",
    () =>
      Effect.gen(function* () {
        const { findings, secondCrashes } = yield* explore(findWorkload("rotation on a slow disk"), {
          seed: 1,
          maxStates: 60,
          secondCrashEvery: 1,
          secondStates: Number.MAX_SAFE_INTEGER,
          secondKind: "each moment",
          stopAtFirst: false
        })
        expect(findings).toEqual([])
        expect(secondCrashes).toBeGreaterThan(1000)
      }),
    300_000
  )
})
