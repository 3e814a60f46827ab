import * as Effect from "effect/Effect"
import type { Spread } from "./statistics.js"

/** What one run of one contender is given. The directory is empty, and its own. */
export interface Run {
  readonly entries: number
  readonly quick: boolean
  readonly directory: string
}

/** What it measured: figures by name. */
export type Figures = Readonly<Record<string, number>>

export type Contender = (run: Run) => Promise<Figures>

/** The medians of every contender's figures, and whether they are as we want them. */
export interface Verdict {
  readonly text: string
  readonly met: boolean
}

export type Judge = (median: (contender: string, figure: string) => number) => Verdict

export interface Row {
  readonly title: string
  readonly contenders: Readonly<Record<string, Contender>>
  /** Undefined where no figure is asked for. */
  readonly judge?: Judge
}

export type Spreads = Readonly<Record<string, Readonly<Record<string, Spread>>>>

const speed = (operations: number, begin: number): Figures => ({
  "ops/s": (operations / (performance.now() - begin)) * 1000
})

/** Operations a second of a loop that does so many of them. */
export const measure = async (operations: number, loop: () => unknown): Promise<Figures> => {
  const begin = performance.now()
  await loop()
  return speed(operations, begin)
}

/** The same for a loop that is an Effect. */
export const measureEffect = <E>(operations: number, loop: Effect.Effect<unknown, E>): Effect.Effect<Figures, E> =>
  Effect.suspend(() => {
    const begin = performance.now()
    return Effect.map(loop, () => speed(operations, begin))
  })

/** Guards the measurements: a store that answers wrong is not fast. */
export const expect = (what: string, actual: number, expected: number): void => {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`)
}

/** That one contender has at least `factor` times the figure of another. */
export const atLeast =
  (one: string, factor: number, other: string, figure = "ops/s"): Judge =>
  (median) => {
    const ratio = median(one, figure) / median(other, figure)
    return { text: `${one} / ${other} = ${ratio.toFixed(2)}, wanted ${factor}`, met: ratio >= factor }
  }
