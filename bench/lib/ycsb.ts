import { makeRandom } from "./data.js"
import { makeZipfian } from "./zipfian.js"

export const read = 0
export const update = 1
export const insert = 2
export const scan = 3
export const readModifyWrite = 4

export interface Mix {
  readonly title: string
  /** The operations and their percentages. */
  readonly parts: ReadonlyArray<readonly [kind: number, percent: number]>
  /** Whether the entries inserted last are read most. */
  readonly latest: boolean
}

const zipfian = (title: string, ...parts: Mix["parts"]): Mix => ({ title, parts, latest: false })

/** The core workloads of YCSB (Cooper et al., SoCC 2010). */
export const mixes: Readonly<Record<"A" | "B" | "C" | "D" | "E" | "F", Mix>> = {
  A: zipfian("50 % reads, 50 % updates", [read, 50], [update, 50]),
  B: zipfian("95 % reads, 5 % updates", [read, 95], [update, 5]),
  C: zipfian("reads", [read, 100]),
  D: { ...zipfian("95 % reads of the latest, 5 % inserts", [read, 95], [insert, 5]), latest: true },
  E: zipfian("95 % scans of up to 100, 5 % inserts", [scan, 95], [insert, 5]),
  F: zipfian("50 % reads, 50 % read-modify-write", [read, 50], [readModifyWrite, 50])
}

/**
 * A sequence of operations: the kind of each, the index of its entry, and the length of its scan.
 */
export interface Tape {
  readonly kinds: Uint8Array
  readonly indexes: Uint32Array
  readonly lengths: Uint8Array
  /** The number of entries after all operations: those at the start and those inserted. */
  readonly entries: number
}

/** The kind of operation for a number from 0 to 99. */
const kindOf = (mix: Mix, place: number): number => {
  for (const [kind, percent] of mix.parts) {
    if (place < percent) return kind
    place -= percent
  }
  throw new Error("the percentages of a mix add up to less than 100")
}

/**
 * Makes a tape. Keys are random, so the ranks of the zipfian distribution are scattered over them.
 */
export const makeTape = (mix: Mix, operations: number, entries: number): Tape => {
  const random = makeRandom(11)
  const zipf = makeZipfian(entries, 12)
  const kinds = new Uint8Array(operations)
  const indexes = new Uint32Array(operations)
  const lengths = new Uint8Array(operations)
  let present = entries
  for (let i = 0; i < operations; i++) {
    const kind = kindOf(mix, random() % 100)
    kinds[i] = kind
    indexes[i] = kind === insert ? present++ : mix.latest ? present - 1 - zipf() : zipf()
    lengths[i] = 1 + (random() % 100)
  }
  return { kinds, indexes, lengths, entries: present }
}
