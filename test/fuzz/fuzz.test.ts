import { describe, expect, it } from "vitest"
import { isFailure } from "../../src/core/storage/failure.js"
import { fuzz } from "./fuzz.js"
import { targets } from "./targets.js"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 1)
const inputs = 20_000

describe(`every decoder (the short form of npm run test:fuzz, seed ${seed})`, () => {
  it("decodes what its encoder made, also with its checksums made anew", () => {
    for (const { name, seeds, decode, reseal } of targets) {
      for (const [i, bytes] of seeds.entries()) {
        const copy = bytes.slice()
        reseal?.(copy)
        expect(Buffer.compare(copy, bytes), `${name} ${i}`).toBe(0)
        // A close frame in the wrong place, or a chain without its beginning, is refused, and typed.
        try {
          expect(decode(copy), `${name} ${i}`).toBe(true)
        } catch (error) {
          expect(isFailure(error), `${name} ${i}: ${error}`).toBe(true)
        }
      }
    }
  })

  it(`answers or fails typed, within its time and memory, on ${inputs} mutated inputs`, () => {
    const { findings, targets: told } = fuzz(inputs, seed)
    expect(findings.slice(0, 3)).toEqual([])
    for (const [name, { decoded, inputs: fed }] of Object.entries(told)) {
      // The decoding behind a checksum is reached, and not everything passes.
      expect(decoded, name).toBeGreaterThan(fed / 100)
      expect(decoded, name).toBeLessThan(fed)
    }
  })
})
