import { describe, expect, it } from "vitest"
import { isFailure } from "../../src/core/storage/failure.js"
import { fuzz } from "./fuzz.js"
import { targets } from "./targets.js"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 1)
const inputs = 20_000

describe(`every decoder (the short form of npm run test:fuzz, seed ${seed})`, () => {
  it("decodes the output of its encoder, also after its checksums are computed again", () => {
    for (const { name, seeds, decode, reseal } of targets) {
      for (const [i, bytes] of seeds.entries()) {
        const copy = bytes.slice()
        reseal?.(copy)
        expect(Buffer.compare(copy, bytes), `${name} ${i}`).toBe(0)
        // A misplaced close frame, or a chain without its first segment, is refused with a typed
        // error.
        try {
          expect(decode(copy), `${name} ${i}`).toBe(true)
        } catch (error) {
          expect(isFailure(error), `${name} ${i}: ${error}`).toBe(true)
        }
      }
    }
  })

  it(`returns or fails with a typed error, within its time and memory, on ${inputs} mutated inputs`, () => {
    const { findings, targets: report } = fuzz(inputs, seed)
    expect(findings.slice(0, 3)).toEqual([])
    for (const [name, { decoded, inputs: fed }] of Object.entries(report)) {
      // Some inputs get past the checksums, and not all inputs are accepted.
      expect(decoded, name).toBeGreaterThan(fed / 200)
      expect(decoded, name).toBeLessThan(fed)
    }
  })
})
