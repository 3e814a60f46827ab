import type { Figures } from "./row.js"

/** Runs the operations from `from` up to `to`, exclusive. */
export type Loop<A> = (from: number, to: number) => A

/** How a loop is measured: in slices, with a look at the clock between them. */
export interface Course {
  readonly operations: number
  readonly slice: number
  /**
   * Milliseconds after which no slice starts. The rate is that of the operations done until then.
   */
  readonly limit: number
  /**
   * Whether to run the loop twice and measure the second time. For loops that read, so that caches
   * and code are warm.
   */
  readonly twice: boolean
  /** How many operations one operation counts for. */
  readonly weight: number
}

export const rate = (done: number, weight: number, millis: number): Figures => ({
  "ops/s": (done * weight * 1000) / millis
})

export const measureSync = (course: Course, loop: Loop<unknown>): Figures => {
  const { operations, slice, limit, weight, twice } = course
  if (twice) measureSync({ ...course, twice: false }, loop)
  let done = 0
  const begin = performance.now()
  while (done < operations && performance.now() - begin < limit) {
    const to = Math.min(done + slice, operations)
    loop(done, to)
    done = to
  }
  return rate(done, weight, performance.now() - begin)
}

export const measureAsync = async (course: Course, loop: Loop<Promise<unknown>>): Promise<Figures> => {
  const { operations, slice, limit, weight, twice } = course
  if (twice) await measureAsync({ ...course, twice: false }, loop)
  let done = 0
  const begin = performance.now()
  while (done < operations && performance.now() - begin < limit) {
    const to = Math.min(done + slice, operations)
    await loop(done, to)
    done = to
  }
  return rate(done, weight, performance.now() - begin)
}
