import { describe, expect, it } from "@effect/vitest"
import { checkTrouble } from "./check.js"
import { configurations } from "./configurations.js"

/** How many runs begin on each configuration: half of the short form of `npm run test:model`. */
const runs = 8
const seed = 1000 * configurations.length

describe("a store behaves as a sorted map through crashes, faults and interruptions", () => {
  for (const [i, { name }] of configurations.entries()) {
    it(`with ${name}, seeds ${seed + i} and every ${configurations.length}th`, async () => {
      for (let run = 0; run < runs; run++) {
        expect(await checkTrouble(seed + i + run * configurations.length, 200)).toBeUndefined()
      }
    }, 120_000)
  }
})
