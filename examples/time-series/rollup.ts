import { Schema } from "effect"

/** What is kept of many samples. */
export const Rollup = Schema.Struct({
  count: Schema.Number,
  sum: Schema.Number,
  min: Schema.Number,
  max: Schema.Number
})
export type Rollup = typeof Rollup.Type

export const ofValue = (value: number): Rollup => ({ count: 1, sum: value, min: value, max: value })

/** The roll-up of the samples of both. In whatever order samples are merged, the result is the same but for rounding. */
export const merge = (a: Rollup, b: Rollup): Rollup => ({
  count: a.count + b.count,
  sum: a.sum + b.sum,
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max)
})
