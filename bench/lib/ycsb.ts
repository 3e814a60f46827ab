import { makeRandom } from "./data.js"
import { makeZipfian } from "./zipfian.js"

export const read = 0
export const update = 1
export const insert = 2
export const scan = 3
export const readModifyWrite = 4

export interface Mix {
  readonly title: string
  /** Parts of a hundred. */
  readonly parts: ReadonlyArray<readonly [kind: number, percent: number]>
  /** Whether what was inserted last is read most. */
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

/** What is done, one after the other: kinds, the index of the entry, and how many entries a scan wants. */
export interface Tape {
  readonly kinds: Uint8Array
  readonly indexes: Uint32Array
  readonly lengths: Uint8Array
  /** Entries at its end: those at its begin and those it inserts. */
  readonly entries: number
}

/** The kind that stands at a place from 0 to 99. */
const kindOf = (mix: Mix, place: number): number => {
  for (const [kind, percent] of mix.parts) {
    if (place < percent) return kind
    place -= percent
  }
  throw new Error("the parts of a mix are less than a hundred")
}

/** Keys are random, so that the ranks of the zipfian distribution lie scattered over them. */
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
