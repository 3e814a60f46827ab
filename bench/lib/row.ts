import type { Spread } from "./statistics.js"

/** What one run of one contender is given. The directory is empty, and its own. */
export interface Run {
  readonly entries: number
  readonly quick: boolean
  readonly directory: string
  /** Milliseconds after which a loop begins nothing new. */
  readonly limit: number
  /** In a process of its own, before what is measured: only prepares the directory. */
  readonly preparing?: boolean
}

/** What it measured: figures by name. */
export type Figures = Readonly<Record<string, number>>

export type Contender = (run: Run) => Promise<Figures>

/** The medians of every contender's figures, and whether they are as we want them. */
export interface Verdict {
  readonly text: string
  readonly met: boolean
  /** How many times as good as what it is judged against. */
  readonly ratio?: number
}

/** Undefined where what it compares was not measured. */
export type Judge = (
  median: (contender: string, figure: string) => number | undefined,
  contenders: ReadonlyArray<string>
) => Verdict | undefined

export interface Row {
  readonly title: string
  readonly contenders: Readonly<Record<string, Contender>>
  readonly judges?: ReadonlyArray<Judge>
  /** Whether it is measured only with `--full`, or when it is named. */
  readonly fullOnly?: boolean
  /** Rounds, where not those asked for: what takes long is measured once. */
  readonly rounds?: number
}

export type Spreads = Readonly<Record<string, Readonly<Record<string, Spread>>>>

/** Guards the measurements: a store that answers wrong is not fast. */
export const expect = (what: string, actual: number, expected: number): void => {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`)
}
