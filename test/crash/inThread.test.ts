import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { explore } from "./explore.js"
import { slowSync } from "./patches.js"
import { inThread } from "./thread.js"
import { findWorkload } from "./workloads.js"

const seed = 1

/** Workloads that flush and compact. `npm run test:crash -- --thread` explores all workloads. */
const names = [
  "flush",
  "snapshots",
  "buffered flush",
  "rotation on a slow disk",
  "deletes",
  "compaction",
  "levels",
  "tombstones",
  "rotation under load",
  "mixture 2",
  "mixture 12, buffered",
  "separated values",
  "large values that expire, buffered",
  "values that expire over older ones",
  "large values",
  "large values on a slow disk"
]

describe(`after a crash of a store that flushes and compacts in a thread (seed ${seed})`, () => {
  it.live.each(names)(
    "%s",
    (name) =>
      Effect.gen(function* () {
        const states = 100
        const { findings, states: judged } = yield* explore(findWorkload(name), {
          seed,
          maxStates: states,
          secondCrashEvery: 50,
          secondStates: 10,
          stopAtFirst: false,
          patches: inThread()
        })
        expect(findings).toEqual([])
        expect(judged).toBeGreaterThanOrEqual(states)
      }),
    300_000
  )

  it.live(
    "large values, when the log is synced long after the table is written",
    () =>
      Effect.gen(function* () {
        const { findings } = yield* explore(findWorkload("large values"), {
          seed,
          maxStates: 100,
          secondCrashEvery: 50,
          secondStates: 10,
          stopAtFirst: false,
          patches: { ...inThread(), ...slowSync(/\.log$/) }
        })
        expect(findings).toEqual([])
      }),
    300_000
  )
})
