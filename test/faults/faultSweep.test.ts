import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { faults, trial } from "../support/faultTrial.js"

const scale = Number(process.env["LSM_TEST_SCALE"] ?? 1)
/** One operation in `stride` is tested, and every one from LSM_TEST_SCALE=61 on. */
const stride = Math.max(1, Math.ceil(61 / scale))
const seed = Number(process.env["LSM_TEST_SEED"] ?? 1)
/** Faults that fail no operation: they only split it or delay it. */
const harmless: ReadonlyArray<string> = ["short reads", "a slow disk"]

describe(`one fault at each operation of a workload (seed ${seed}, one in ${stride} operations)`, () => {
  it.effect("none: every write is acknowledged and read back", () =>
    Effect.gen(function* () {
      const { faults: found, acknowledged, operations } = yield* trial("EIO once", 1_000_000, seed)
      expect(found).toEqual([])
      expect(acknowledged).toBe(10)
      expect(operations).toBeGreaterThan(150)
    })
  )

  for (const name of Object.keys(faults)) {
    it.effect(
      name,
      () =>
        Effect.gen(function* () {
          const { operations, closes, applies, creates } = yield* trial("EIO once", 1_000_000, seed)
          const findings: Array<string> = []
          let failures = 0
          // Rare operations are tested one by one, closes at least one in three.
          const few = { "EIO from close": closes, "no memory": applies, "a file in the way": creates }
          const last = name in few ? few[name as keyof typeof few] : operations
          const step = name === "EIO from close" ? Math.min(3, stride) : name in few ? 1 : stride
          for (let at = 1 + (seed % step); at <= last; at += step) {
            const { faults: found, acknowledged, failed } = yield* trial(name, at, seed)
            failures += failed + 10 - acknowledged
            findings.push(...found.map((fault) => `operation ${at}: ${fault}`))
          }
          expect(findings).toEqual([])
          if (harmless.includes(name)) expect(failures).toBe(0)
          else expect(failures).toBeGreaterThan(0)
        }),
      120_000 * scale
    )
  }
})
