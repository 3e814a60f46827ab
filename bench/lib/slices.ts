import type { Figures } from "./row.js"

/** Does the operations `from` up to `to`. */
export type Loop<A> = (from: number, to: number) => A

/** How a loop is measured: in slices, between which the clock is looked at. */
export interface Course {
  readonly operations: number
  readonly slice: number
  /** After so many milliseconds no slice begins: the rate is that of what was done. */
  readonly limit: number
  /** Done twice, of which the second time counts: for loops that read, so that caches and code are warm. */
  readonly twice: boolean
  /** What an operation counts for. */
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
