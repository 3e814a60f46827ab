import * as FastCheck from "effect/FastCheck"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 20250601)
/** The factor by which to multiply the number of runs. */
export const scale = Number(process.env["LSM_TEST_SCALE"] ?? 1)

/**
 * Checks a property with a fixed seed. LSM_TEST_SEED sets another seed, and LSM_TEST_SCALE
 * multiplies the number of runs.
 */
export const check = <Ts>(property: FastCheck.IRawProperty<Ts, false>, runs = 100): void =>
  FastCheck.assert(property, { seed, numRuns: runs * scale })

/** The same as `check`, for an asynchronous property. */
export const checkAsync = <Ts>(property: FastCheck.IRawProperty<Ts, true>, runs = 100): Promise<void> =>
  FastCheck.assert(property, { seed, numRuns: runs * scale })
