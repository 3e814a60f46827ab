/**
 * Node ids in immutable sorted runs, so that inserts are cheap and a snapshot is a list of arrays.
 *
 * New ids gather unsorted. Every `chunkSize` ids, and before each snapshot, they are sorted into a
 * run. Runs of similar size are merged, like carries in a binary counter, up to `mergeLimit`. This
 * bounds both the number of runs and the longest pause.
 */
export class SortedRuns {
  private unsorted = new Uint32Array(64)
  private unsortedLength = 0
  private runs: Array<Uint32Array> = []
  private taken: ReadonlyArray<Uint32Array> | undefined

  constructor(private readonly compare: (a: number, b: number) => number) {}

  add(id: number): void {
    if (this.unsortedLength === this.unsorted.length) this.grow()
    this.unsorted[this.unsortedLength++] = id
    this.taken = undefined
    if (this.unsortedLength === chunkSize) this.sortRest()
  }

  /** The runs with everything added so far. */
  snapshot(): ReadonlyArray<Uint32Array> {
    if (this.taken === undefined) {
      this.sortRest()
      this.taken = this.runs.slice()
    }
    return this.taken
  }

  private grow(): void {
    const larger = new Uint32Array(Math.min(chunkSize, this.unsorted.length * 2))
    larger.set(this.unsorted)
    this.unsorted = larger
  }

  private sortRest(): void {
    if (this.unsortedLength === 0) return
    const run = mergeSort(this.unsorted.slice(0, this.unsortedLength), this.compare)
    this.unsortedLength = 0
    this.push(run)
  }

  private push(run: Uint32Array): void {
    const { runs } = this
    let last = runs.at(-1)
    while (last !== undefined && last.length <= run.length * 2 && last.length + run.length <= mergeLimit) {
      runs.pop()
      run = mergeRuns(last, run, this.compare)
      last = runs.at(-1)
    }
    runs.push(run)
  }
}

const chunkSize = 2048
const mergeLimit = 64 * 1024

type Compare = (a: number, b: number) => number

export const mergeRuns = (a: Uint32Array, b: Uint32Array, compare: Compare): Uint32Array => {
  const out = new Uint32Array(a.length + b.length)
  mergeInto(a, 0, a.length, b, 0, b.length, out, 0, compare)
  return out
}

const mergeInto = (
  a: Uint32Array,
  i: number,
  aEnd: number,
  b: Uint32Array,
  j: number,
  bEnd: number,
  out: Uint32Array,
  at: number,
  compare: Compare
): void => {
  // Skip the comparisons if the runs do not overlap, as after inserts in key order.
  const inOrder = i < aEnd && j < bEnd && compare(a[aEnd - 1]!, b[j]!) <= 0
  if (!inOrder) while (i < aEnd && j < bEnd) out[at++] = compare(a[i]!, b[j]!) <= 0 ? a[i++]! : b[j++]!
  while (i < aEnd) out[at++] = a[i++]!
  while (j < bEnd) out[at++] = b[j++]!
}

const insertionLimit = 8

/**
 * Insertion sort of short stretches, then bottom-up merge sort. Sorts in place or into a second
 * array, and returns the array that holds the result.
 */
export const mergeSort = (ids: Uint32Array, compare: Compare): Uint32Array => {
  const length = ids.length
  for (let start = 0; start < length; start += insertionLimit) {
    const end = Math.min(start + insertionLimit, length)
    for (let i = start + 1; i < end; i++) {
      const id = ids[i]!
      let j = i - 1
      while (j >= start && compare(ids[j]!, id) > 0) {
        ids[j + 1] = ids[j]!
        j--
      }
      ids[j + 1] = id
    }
  }
  let from: Uint32Array = ids
  let to: Uint32Array = new Uint32Array(length)
  for (let width = insertionLimit; width < length; width *= 2) {
    for (let start = 0; start < length; start += width * 2) {
      const middle = Math.min(start + width, length)
      const end = Math.min(start + width * 2, length)
      mergeInto(from, start, middle, from, middle, end, to, start, compare)
    }
    const swap = from
    from = to
    to = swap
  }
  return from
}
