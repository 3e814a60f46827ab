/** The labels of a series, by name. */
export type Labels = ReadonlyArray<readonly [name: string, value: string]>

/** The buckets of a histogram: where the first one ends, and how many there are. */
export interface Buckets {
  readonly first: number
  readonly count: number
}

/** A metric with its labels, as it stands in Effect's registry. */
export interface Series {
  readonly update: (n: number) => void
  readonly remove: () => void
}

export type SampleState =
  | { readonly type: "counter" | "gauge"; readonly value: number | bigint }
  | {
      readonly type: "histogram"
      /** The upper bound of each bucket, and how many values are not above it. */
      readonly buckets: ReadonlyArray<readonly [bound: number, count: number]>
      readonly count: number
      readonly sum: number
    }

/** What a series reads at one moment. */
export interface Sample {
  readonly name: string
  readonly description: string | undefined
  readonly labels: Labels
  readonly state: SampleState
}
