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
  /** For loops that fill a store: whether to report the part that was done, if it is not all. */
  readonly fills?: boolean
}

export const rate = ({ operations, weight, fills }: Course, done: number, millis: number): Figures => ({
  "ops/s": (done * weight * 1000) / millis,
  ...(fills === true && done < operations ? { "filled %": (100 * done) / operations } : {})
})

export const measureSync = (course: Course, loop: Loop<unknown>): Figures => {
  const { operations, slice, limit, twice } = course
  if (twice) measureSync({ ...course, twice: false }, loop)
  let done = 0
  const begin = performance.now()
  while (done < operations && performance.now() - begin < limit) {
    const to = Math.min(done + slice, operations)
    loop(done, to)
    done = to
  }
  return rate(course, done, performance.now() - begin)
}

export const measureAsync = async (course: Course, loop: Loop<Promise<unknown>>): Promise<Figures> => {
  const { operations, slice, limit, twice } = course
  if (twice) await measureAsync({ ...course, twice: false }, loop)
  let done = 0
  const begin = performance.now()
  while (done < operations && performance.now() - begin < limit) {
    const to = Math.min(done + slice, operations)
    await loop(done, to)
    done = to
  }
  return rate(course, done, performance.now() - begin)
}
