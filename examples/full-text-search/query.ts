import { wordsOf } from "./words.js"

/** What a document must have: words one after the other, or a word that begins with some letters. */
export type Clause =
  | { readonly kind: "phrase"; readonly words: ReadonlyArray<string> }
  | { readonly kind: "prefix"; readonly letters: string }

/** Reads `open "write ahead log" compact*`: a word, a phrase and a prefix. A document must have all of them. */
export const parseQuery = (text: string): ReadonlyArray<Clause> =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].flatMap(([, quoted, plain]): ReadonlyArray<Clause> => {
    const words = wordsOf(quoted ?? plain ?? "")
    if (words.length === 0) return []
    const isPrefix = plain?.endsWith("*") === true && words.length === 1
    return [isPrefix ? { kind: "prefix", letters: words[0]! } : { kind: "phrase", words }]
  })

/**
 * How relevant a document is for a clause: BM25, as S. Robertson and H. Zaragoza give it in "The Probabilistic Relevance Framework:
 * BM25 and Beyond" (2009), with their usual k1 and b. One is added in the logarithm, as Lucene does, so that no score is negative.
 */
export const bm25 = (of: {
  /** How often the document has it. */
  readonly frequency: number
  /** Documents that have it, and all of them. */
  readonly matches: number
  readonly documents: number
  /** Words of the document, and of all documents on average. */
  readonly length: number
  readonly averageLength: number
}): number => {
  const k1 = 1.2
  const b = 0.75
  const rarity = Math.log(1 + (of.documents - of.matches + 0.5) / (of.matches + 0.5))
  const norm = k1 * (1 - b + (b * of.length) / of.averageLength)
  return (rarity * of.frequency * (k1 + 1)) / (of.frequency + norm)
}

/** How often a phrase occurs, by the positions of each of its words in ascending order. */
export const occurrences = (positions: ReadonlyArray<ReadonlyArray<number>>): number => {
  const [first = [], ...others] = positions
  const sets = others.map((list) => new Set(list))
  return first.filter((start) => sets.every((set, i) => set.has(start + i + 1))).length
}
