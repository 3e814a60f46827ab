import type { Spread } from "./statistics.js"

/** The input of one run of one contender. The directory is empty, and no other run uses it. */
export interface Run {
  readonly entries: number
  readonly quick: boolean
  readonly directory: string
  /** Milliseconds after which a loop starts nothing new. */
  readonly limit: number
  /** A directory of prepared stores, which all rows of one invocation share. */
  readonly shared: string
  /** Set in a separate process that does only this part of the contender's work. */
  readonly part?: string
}

/** The figures of a run by name. */
export type Figures = Readonly<Record<string, number>>

export type Contender = (run: Run) => Promise<Figures>

/** Whether the medians of a row are as wanted. */
export interface Verdict {
  readonly text: string
  readonly met: boolean
  /** How many times as good as the contender that it is compared with. */
  readonly ratio?: number
}

/**
 * Judges the medians of a row. Returns undefined if the figures that it needs were not measured.
 */
export type Judge = (
  median: (contender: string, figure: string) => number | undefined,
  contenders: ReadonlyArray<string>
) => Verdict | undefined

export interface Row {
  readonly title: string
  readonly contenders: Readonly<Record<string, Contender>>
  readonly judges?: ReadonlyArray<Judge>
  /** `full`: the row runs only with `--full` or by name. `named`: only by name. */
  readonly when?: "full" | "named"
  /** The number of rounds, for rows that take too long for the usual number. */
  readonly rounds?: number
}

export type Spreads = Readonly<Record<string, Readonly<Record<string, Spread>>>>

/** Throws if a store returned a wrong result. */
export const expect = (what: string, actual: number, expected: number): void => {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`)
}
