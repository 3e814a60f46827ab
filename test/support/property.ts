import * as FastCheck from "effect/FastCheck"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 20250601)
/** How many times the usual runs are wanted. */
export const scale = Number(process.env["LSM_TEST_SCALE"] ?? 1)

/** Checks a property on a fixed seed. LSM_TEST_SEED takes another one, LSM_TEST_SCALE multiplies the runs. */
export const check = <Ts>(property: FastCheck.IRawProperty<Ts, false>, runs = 100): void =>
  FastCheck.assert(property, { seed, numRuns: runs * scale })

/** The same for a property that waits. */
export const checkAsync = <Ts>(property: FastCheck.IRawProperty<Ts, true>, runs = 100): Promise<void> =>
  FastCheck.assert(property, { seed, numRuns: runs * scale })
