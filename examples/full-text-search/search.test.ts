import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { LsmStore } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { bm25, parseQuery } from "./query.js"
import { type Document, type Hit, Search } from "./search.js"
import { wordsOf } from "./words.js"

const hitsOf = (query: string, limit?: number) =>
  Effect.flatMap(Search, ({ search }) =>
    Stream.runFold(search(query, limit === undefined ? {} : { limit }), [] as ReadonlyArray<Hit>, (all, hit) => [
      ...all,
      hit
    ])
  )
const idsOf = (query: string, limit?: number) =>
  Effect.map(hitsOf(query, limit), (hits) => hits.map(({ document }) => document.id))

const inMemory = <A, E>(test: Effect.Effect<A, E, Search>) =>
  Effect.provide(test, Layer.provide(Search.layer, LsmStore.layerMemory()))

const documents: ReadonlyArray<Document> = [
  { id: "1", title: "Écluse", text: "The canal has a lock. The lock is old." },
  { id: "2", title: "Harbour", text: "A long text about ships, ropes and sails, in which a lock is named once." },
  { id: "3", title: "Keys", text: "Locks and locksmiths" },
  { id: "4", title: "東京", text: "日本語の文章" }
]

/** Numbers from 0 to 1, the same for the same seed (Park and Miller). */
const numbersOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** The same search without an index: reads every document. */
const searchNaively = (all: ReadonlyArray<Document>, query: string) => {
  const texts = all.map(({ id, title, text }) => ({ id, words: wordsOf(`${title}\n${text}`) }))
  const averageLength = texts.reduce((sum, { words }) => sum + words.length, 0) / texts.length
  const counts = parseQuery(query).map((clause) =>
    texts.map(({ words }) =>
      clause.kind === "prefix"
        ? words.filter((word) => word.startsWith(clause.letters)).length
        : words.filter((_, at) => clause.words.every((word, i) => words[at + i] === word)).length
    )
  )
  return texts
    .flatMap(({ id, words }, i) => {
      if (counts.length === 0 || counts.some((count) => count[i] === 0)) return []
      const scores = counts.map((count) =>
        bm25({
          frequency: count[i]!,
          matches: count.filter((n) => n > 0).length,
          documents: texts.length,
          length: words.length,
          averageLength
        })
      )
      return [{ id, score: scores.reduce((sum, score) => sum + score, 0) }]
    })
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
}

const vocabulary = ["ab", "abc", "abd", "b", "bé", "c", "d", "e", "f"]

describe("full-text search", () => {
  it("finds words as Unicode has them", () => {
    expect(wordsOf("Don't STOP: Éléments, ﬁne 3.5!")).toStrictEqual(["don't", "stop", "elements", "fine", "3.5"])
    expect(wordsOf("日本語の文章").length).toBeGreaterThan(1)
    expect(wordsOf(`\ud800 a ${"x".repeat(65)}`)).toStrictEqual(["a"])
    expect(wordsOf("")).toStrictEqual([])
  })

  it("reads queries", () => {
    expect(parseQuery('open "write ahead" COMP* write-ahead * ""')).toStrictEqual([
      { kind: "phrase", words: ["open"] },
      { kind: "phrase", words: ["write", "ahead"] },
      { kind: "prefix", letters: "comp" },
      { kind: "phrase", words: ["write", "ahead"] }
    ])
  })

  it.effect("finds all words, phrases and beginnings, and the most relevant first", () =>
    Effect.gen(function* () {
      const { putAll } = yield* Search
      yield* putAll(documents)
      expect(yield* idsOf("lock")).toStrictEqual(["1", "2"])
      expect(yield* idsOf("lock", 1)).toStrictEqual(["1"])
      expect(yield* idsOf("lock", 0)).toStrictEqual([])
      expect(yield* idsOf("lock*")).toHaveLength(3)
      expect(yield* idsOf("LOCK ship*")).toStrictEqual(["2"])
      expect(yield* idsOf('"the lock"')).toStrictEqual(["1"])
      expect(yield* idsOf('"lock the"')).toStrictEqual(["1"])
      expect(yield* idsOf('"lock canal"')).toStrictEqual([])
      expect(yield* idsOf("ecluse")).toStrictEqual(["1"])
      expect(yield* idsOf("日本語")).toStrictEqual(["4"])
      for (const nothing of ["", "*", "absent", "lock absent"]) expect(yield* idsOf(nothing)).toStrictEqual([])
    }).pipe(inMemory)
  )

  for (const seed of [1, 2, 3, 4, 5]) {
    it.effect(`finds what a search without an index finds, after any changes, with the seed ${seed}`, () =>
      Effect.gen(function* () {
        const random = numbersOf(seed)
        const below = (limit: number) => Math.floor(random() * limit)
        const some = (most: number) =>
          Array.from({ length: below(most + 1) }, () => vocabulary[below(vocabulary.length)]!)
        const { check, put, putAll, remove, totals } = yield* Search
        const model = new Map<string, Document>()
        const draw = (): Document => ({ id: `d${below(12)}`, title: some(2).join(" "), text: some(20).join(" ") })
        for (let step = 0; step < 40; step++) {
          const kind = below(4)
          if (kind === 0) {
            const id = `d${below(12)}`
            yield* remove(id)
            model.delete(id)
          } else if (kind === 1) {
            const several = Array.from({ length: below(4) }, draw)
            yield* putAll(several)
            for (const document of several) model.set(document.id, document)
          } else {
            const document = draw()
            yield* put(document)
            model.set(document.id, document)
          }
          const plain = some(2).map((word) => (below(3) === 0 ? `${word}*` : word))
          const query = below(2) === 0 ? plain.join(" ") : `${plain.join(" ")} "${some(2).join(" ")}"`
          const found = (yield* hitsOf(query, 100)).map(({ document: { id }, score }) => ({
            id,
            score: score.toFixed(9)
          }))
          const expected = searchNaively([...model.values()], query)
          const rounded = expected.map(({ id, score }) => ({ id, score: score.toFixed(9) }))
          const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1)
          expect([...found].sort(byId), `${query} in step ${step}`).toStrictEqual([...rounded].sort(byId))
          const scores = found.map(({ score }) => Number(score))
          expect(scores).toStrictEqual([...scores].sort((a, b) => b - a))
        }
        expect(yield* check).toStrictEqual([])
        expect((yield* totals).documents).toBe(model.size)
      }).pipe(inMemory)
    )
  }

  it.effect("takes changes by many fibers", () =>
    Effect.gen(function* () {
      const { check, put, remove } = yield* Search
      const change = (i: number) =>
        i % 3 === 0
          ? remove(`d${i % 7}`)
          : put({ id: `d${i % 7}`, title: `title ${i}`, text: vocabulary.slice(i % 5).join(" ") })
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => i),
        change,
        { concurrency: "unbounded", discard: true }
      )
      expect(yield* check).toStrictEqual([])
    }).pipe(inMemory)
  )

  it.effect("has an index that agrees with the documents after a crash at any moment", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 12; seed++) {
        const machine = yield* Testing.makeMachine({ seed })
        const session = <A, E>(use: Effect.Effect<A, E, Search>) =>
          Effect.provide(
            use,
            Layer.provide(Search.layer, machine.layer({ durability: "buffered", memtableBytes: 65_536 }))
          )
        /** The titles of documents, by id, as far as the changes of each have been acknowledged. */
        const acknowledged = new Map<string, string | undefined>()
        yield* session(
          Effect.gen(function* () {
            const { put, remove } = yield* Search
            // The disk refuses everything from some moment on, within a transaction or between two.
            yield* machine.fail({ operation: "any", after: seed * 3, times: Number.POSITIVE_INFINITY })
            for (let i = 0; i < 40; i++) {
              const id = `d${i % 5}`
              const text = vocabulary.slice(i % 4, 3 + (i % 6)).join(" ")
              const change = i % 4 === 3 ? remove(id) : put({ id, title: `t${i}`, text })
              const isWritten = yield* Effect.match(change, { onFailure: () => false, onSuccess: () => true })
              if (!isWritten) {
                // It may be there or not.
                acknowledged.delete(id)
                break
              }
              acknowledged.set(id, i % 4 === 3 ? undefined : `t${i}`)
            }
            yield* seed % 2 === 0 ? machine.crash : machine.powerCut()
          })
        )
        yield* session(
          Effect.gen(function* () {
            const { check, put } = yield* Search
            expect(yield* check, `seed ${seed}`).toStrictEqual([])
            if (seed % 2 === 0) {
              const titles = new Map((yield* hitsOf("t*", 100)).map(({ document }) => [document.id, document.title]))
              for (const [id, title] of acknowledged) expect(titles.get(id), `${id}, seed ${seed}`).toBe(title)
            }
            yield* put({ id: "after", title: "after", text: "the crash" })
            expect(yield* idsOf('"the crash"')).toStrictEqual(["after"])
            expect(yield* check).toStrictEqual([])
          })
        )
      }
    })
  )
})
