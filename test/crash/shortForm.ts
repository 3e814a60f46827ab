import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { explore } from "./explore.js"
import { workloads } from "./workloads.js"

/** How many states of each workload to judge. With second crashes, more than 10,000 in all. */
const states = 155
const seed = 1

/**
 * The short form of `npm run test:crash`. Takes every second workload: two test files share them.
 */
export const shortForm = (half: 0 | 1): void => {
  describe(`after a crash (seed ${seed})`, () => {
    const timeout = 300_000
    it.live.each(workloads.filter((_, i) => i % 2 === half))(
      "$name",
      (workload) =>
        Effect.gen(function* () {
          const { weight = 1 } = workload
          const wanted = Math.ceil(states / weight)
          const { findings, states: judged } = yield* explore(workload, {
            seed,
            maxStates: wanted,
            secondCrashEvery: 50,
            secondStates: 10,
            stopAtFirst: false
          })
          expect(findings).toEqual([])
          expect(judged).toBeGreaterThanOrEqual(wanted)
        }),
      timeout
    )
  })
}
