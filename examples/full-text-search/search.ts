import { Context, Effect, Layer, Option, Schema, Stream } from "effect"
import { Keyspace, type KeyspaceError, LsmStore, type OrderedStore, Transaction } from "effect-lsm"
import { bm25, type Clause, occurrences, parseQuery } from "./query.js"
import { wordsOf } from "./words.js"

const Document = Schema.Struct({ id: Schema.String, title: Schema.String, text: Schema.String })
export type Document = typeof Document.Type

/** A document with what the index has of it, so that all of that can be removed, even if a later release finds other words. */
const Documents = Keyspace.make({
  name: "documents",
  key: Schema.String,
  value: Schema.Struct({ document: Document, length: Schema.Number, terms: Schema.Array(Schema.String) })
})

/** The inverted index: the positions at which a document has a term. All documents of a term are next to each other. */
const Postings = Keyspace.make({
  name: "postings",
  key: Schema.Struct({ term: Schema.String, document: Schema.String }),
  value: Schema.Array(Schema.Number)
})

const Total = Schema.Struct({ documents: Schema.Number, words: Schema.Number })
const Totals = Keyspace.make({ name: "totals", key: Schema.Null, value: Total })
const nothing: typeof Total.Type = { documents: 0, words: 0 }

export interface Hit {
  readonly document: Document
  readonly score: number
}

export type SearchError = OrderedStore.TransactionError | KeyspaceError.KeyspaceError

export interface SearchService {
  /** Adds a document, or replaces the one with its id. */
  readonly put: (document: Document) => Effect.Effect<void, SearchError>
  /** The same for many, all or none. They are in memory until they are written, so give some hundreds at a time. */
  readonly putAll: (documents: Iterable<Document>) => Effect.Effect<void, SearchError>
  readonly remove: (id: string) => Effect.Effect<void, SearchError>
  /**
   * The documents that match a query, the most relevant first, as of one moment. The ids and scores of all that match are in memory;
   * documents are read as the Stream is pulled.
   */
  readonly search: (query: string, options?: { readonly limit?: number }) => Stream.Stream<Hit, SearchError>
  readonly totals: Effect.Effect<typeof Total.Type, SearchError>
  /** Compares the index with the documents, and returns what differs. For tests. */
  readonly check: Effect.Effect<ReadonlyArray<string>, SearchError>
}

/** The positions of each word. */
const positionsOf = (words: ReadonlyArray<string>): ReadonlyMap<string, ReadonlyArray<number>> => {
  const positions = new Map<string, Array<number>>()
  for (const [at, word] of words.entries()) {
    const list = positions.get(word)
    if (list === undefined) positions.set(word, [at])
    else list.push(at)
  }
  return positions
}

const indexedWords = ({ title, text }: Document) => wordsOf(`${title}\n${text}`)

export class Search extends Context.Tag("Search")<Search, SearchService>() {
  static readonly layer: Layer.Layer<Search, SearchError, LsmStore.LsmStore | OrderedStore.OrderedStore> = Layer.effect(
    Search,
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const documents = yield* Keyspace.open(Documents)
      const postings = yield* Keyspace.open(Postings)
      const totals = yield* Keyspace.open(Totals)
      // All writers change the totals, so they would only run into each other.
      const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)

      /** Replaces what is there of a document, in the transaction of the caller if there is one. */
      const replace = (id: string, document: Document | undefined) =>
        Transaction.transact(store, (tx) =>
          Effect.gen(function* () {
            const [docs, lists, sums] = [
              yield* documents.within(tx),
              yield* postings.within(tx),
              yield* totals.within(tx)
            ]
            let { documents: count, words: sum } = Option.getOrElse(yield* sums.get(null), () => nothing)
            const before = yield* docs.get(id)
            if (Option.isSome(before)) {
              for (const term of before.value.terms) yield* lists.delete({ term, document: id })
              yield* docs.delete(id)
              count -= 1
              sum -= before.value.length
            }
            if (document !== undefined) {
              const words = indexedWords(document)
              const positions = positionsOf(words)
              for (const [term, list] of positions) yield* lists.put({ term, document: id }, list)
              yield* docs.put(id, { document, length: words.length, terms: [...positions.keys()] })
              count += 1
              sum += words.length
            }
            yield* sums.put(null, { documents: count, words: sum })
          })
        )

      const putAll: SearchService["putAll"] = (all) =>
        oneAtATime(
          Transaction.transact(store, () =>
            Effect.forEach(all, (document) => replace(document.id, document), { discard: true })
          )
        )

      /** How often each document has what a clause asks for. */
      const matchesOf = (clause: Clause, snapshot: OrderedStore.Snapshot) =>
        Effect.gen(function* () {
          const found = new Map<string, number>()
          if (clause.kind === "prefix") {
            const range = { start: { term: clause.letters }, end: { term: `${clause.letters}\u{10ffff}` } }
            for (const { key, value } of yield* postings.collect({ ...range, snapshot })) {
              found.set(key.document, (found.get(key.document) ?? 0) + value.length)
            }
            return found
          }
          const lists: Array<Map<string, ReadonlyArray<number>>> = []
          for (const term of clause.words) {
            const rows = yield* postings.collect({ prefix: { term }, snapshot })
            lists.push(new Map(rows.map(({ key, value }) => [key.document, value])))
          }
          for (const id of lists[0]!.keys()) {
            const count = occurrences(lists.map((list) => list.get(id) ?? []))
            if (count > 0) found.set(id, count)
          }
          return found
        })

      const rank = (query: string, snapshot: OrderedStore.Snapshot) =>
        Effect.gen(function* () {
          const clauses = yield* Effect.forEach(parseQuery(query), (clause) => matchesOf(clause, snapshot))
          const [first, ...others] = clauses
          if (first === undefined) return []
          const ids = [...first.keys()].filter((id) => others.every((other) => other.has(id)))
          const { documents: count, words } = Option.getOrElse(yield* totals.get(null, { snapshot }), () => nothing)
          const rows = yield* documents.getMany(ids, { snapshot })
          const scored = ids.map((id, i) => {
            const { length } = Option.getOrThrow(rows[i]!)
            const score = clauses.reduce((sum, matches) => {
              const frequency = matches.get(id)!
              return (
                sum + bm25({ frequency, matches: matches.size, documents: count, length, averageLength: words / count })
              )
            }, 0)
            return { id, score }
          })
          return scored.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
        })

      const search: SearchService["search"] = (query, { limit = 10 } = {}) =>
        Stream.unwrapScoped(
          Effect.gen(function* () {
            const snapshot = yield* store.snapshot
            const best = (yield* rank(query, snapshot)).slice(0, limit)
            return Stream.mapEffect(Stream.fromIterable(best), ({ id, score }) =>
              Effect.map(documents.get(id, { snapshot }), (row) => ({
                document: Option.getOrThrow(row).document,
                score
              }))
            )
          })
        )

      const check = Effect.scoped(
        Effect.gen(function* () {
          const snapshot = yield* store.snapshot
          const expected = new Map<string, string>()
          const sums = { documents: 0, words: 0 }
          for (const { key: id, value } of yield* documents.collect({ snapshot })) {
            const words = indexedWords(value.document)
            for (const [term, list] of positionsOf(words)) expected.set(`${term} in ${id}`, list.join())
            sums.documents += 1
            sums.words += words.length
          }
          const found = yield* postings.collect({ snapshot })
          const faults = found.flatMap(({ key, value }) => {
            const name = `${key.term} in ${key.document}`
            const isRight = expected.get(name) === value.join()
            expected.delete(name)
            return isRight ? [] : [`wrong: ${name}`]
          })
          for (const name of expected.keys()) faults.push(`missing: ${name}`)
          const kept = Option.getOrElse(yield* totals.get(null, { snapshot }), () => nothing)
          if (kept.documents !== sums.documents || kept.words !== sums.words) faults.push("wrong totals")
          return faults
        })
      )

      const service: SearchService = {
        put: (document) => putAll([document]),
        putAll,
        remove: (id) => oneAtATime(replace(id, undefined)),
        search,
        totals: Effect.map(
          totals.get(null),
          Option.getOrElse(() => nothing)
        ),
        check
      }
      return service
    })
  )
}
