// Full-text search over the guide of this project: documents and an inverted index that always agree.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/full-text-search/main.ts 'how to "close a store"' 'compact*'
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Console, Effect, Layer, Stream } from "effect"
import { LsmStore } from "effect-lsm"
import { readGuide } from "./corpus.js"
import { type Hit, Search } from "./search.js"

/** The words of a query may be in a document in any order; those in quotes must be next to each other; `*` stands for any end. */
const examples = ["power cut", '"group commit"', "snapshot compact*", "zebra"]

const excerpt = ({ document }: Hit) => document.text.replace(/\s+/g, " ").trim().slice(0, 70)

const answer = (query: string) =>
  Effect.gen(function* () {
    const { search } = yield* Search
    const start = yield* Clock.currentTimeMillis
    const hits = yield* Stream.runFold(search(query, { limit: 3 }), [] as ReadonlyArray<Hit>, (all, hit) => [
      ...all,
      hit
    ])
    const millis = (yield* Clock.currentTimeMillis) - start
    yield* Console.log(`\n${query} (${millis} ms)${hits.length === 0 ? ": nothing" : ""}`)
    for (const hit of hits) yield* Console.log(`  ${hit.score.toFixed(2)}  ${hit.document.id}\n        ${excerpt(hit)}`)
  })

const program = Effect.gen(function* () {
  const { check, put, putAll, remove, totals } = yield* Search
  const guide = readGuide()
  const start = yield* Clock.currentTimeMillis
  for (let at = 0; at < guide.length; at += 100) yield* putAll(guide.slice(at, at + 100))
  const seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  const { documents, words } = yield* totals
  yield* Console.log(`Indexed ${documents} sections with ${words} words in ${seconds.toFixed(1)} s`)

  const queries = process.argv.slice(2)
  for (const query of queries.length > 0 ? queries : examples) yield* answer(query)

  // The index follows a document that changes and goes.
  yield* put({ id: "zoo", title: "The zoo", text: "A zebra is striped." })
  yield* answer("zebra")
  yield* put({ id: "zoo", title: "The zoo", text: "The zebra has left." })
  yield* answer("striped")
  yield* remove("zoo")
  yield* answer("zebra")
  const faults = yield* check
  yield* Console.log(`\nDifferences between documents and index: ${faults.length}`)
})

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-lsm-search-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const main = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  yield* Effect.provide(program, Layer.provide(Search.layer, LsmStore.layer({ directory: join(directory, "store") })))
})

NodeRuntime.runMain(Effect.scoped(main))
