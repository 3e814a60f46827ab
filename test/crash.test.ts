import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { explore } from "./crash/explore.js"
import { workloads } from "./crash/workloads.js"

/** The short form of `npm run test:crash`: so many states of each workload, spread evenly over it. */
const states = 30
const seed = 1

describe(`after a crash (seed ${seed})`, () => {
  it.live.each(workloads)("$name", (workload) =>
    Effect.gen(function* () {
      const { findings, states: judged } = yield* explore(workload, {
        seed,
        maxStates: states,
        secondCrashEvery: 1000,
        stopAtFirst: false
      })
      expect(judged).toBeGreaterThan(states / 4)
      expect(findings).toEqual([])
    })
  )
})
