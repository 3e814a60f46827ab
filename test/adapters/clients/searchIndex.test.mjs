import assert from "node:assert/strict"
import { once } from "node:events"
import test from "node:test"
import { SearchIndex } from "search-index"
import { withBoth } from "./both.mjs"

const subjects = ["brown fox", "lazy dog", "clever crow"]
const documents = Array.from({ length: 30 }, (_, i) => ({
  _id: `document ${i}`,
  title: `The ${subjects[i % 3]} number ${i}`,
  body: `It ${i % 2 === 0 ? "jumps" : "sleeps"} over ${subjects[(i + 1) % 3]} and writes chapter ${i % 5}`
}))

const resultsOf = ({ RESULT, RESULT_LENGTH }) => ({
  length: RESULT_LENGTH,
  ids: RESULT.map(({ _id }) => _id).sort()
})

const open = async (Level, name) => {
  const index = new SearchIndex({ Level, name })
  await once(index.EVENTS, "ready")
  return index
}

test("search-index searches, suggests and deletes", async () => {
  const found = await withBoth(async (Level, location) => {
    const index = await open(Level, location)
    await index.PUT(documents)
    const results = {
      words: resultsOf(await index.SEARCH(["fox", "jumps"])),
      field: resultsOf(await index.QUERY({ AND: ["title:crow", "body:sleeps"] })),
      not: resultsOf(await index.QUERY({ NOT: { INCLUDE: "title:dog", EXCLUDE: "body:jumps" } })),
      dictionary: await index.DICTIONARY({ FIELD: "title" }),
      facets: (await index.QUERY("fox", { FACETS: [{ FIELD: "title" }], DOCUMENTS: true })).FACETS,
      all: resultsOf(await index.QUERY({ ALL_DOCUMENTS: true }))
    }
    await index.DELETE(...documents.slice(0, 10).map(({ _id }) => _id))
    results.left = resultsOf(await index.QUERY("fox"))
    results.count = await index.DOCUMENT_COUNT()
    await index.INDEX.STORE.close()
    const again = await open(Level, location)
    results.reopened = resultsOf(await again.QUERY("fox"))
    await again.INDEX.STORE.close()
    return results
  })
  assert.ok(found.words.length > 0)
  assert.equal(found.all.length, documents.length)
  assert.equal(found.count, documents.length - 10)
  assert.deepEqual(found.reopened, found.left)
})
