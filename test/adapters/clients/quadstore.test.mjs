import assert from "node:assert/strict"
import test from "node:test"
import { Quadstore } from "quadstore"
import { DataFactory } from "rdf-data-factory"
import { withBoth } from "./both.mjs"

const factory = new DataFactory()
const node = (name) => factory.namedNode(`http://example.com/${name}`)
const number = (value) => factory.literal(String(value), factory.namedNode("http://www.w3.org/2001/XMLSchema#integer"))

const textOf = ({ subject, predicate, object, graph }) =>
  [subject, predicate, object, graph].map(({ value }) => value).join(" ")

const collect = async (stream) => {
  const quads = []
  for await (const quad of stream) quads.push(textOf(quad))
  return quads.sort()
}

const people = 50
const quads = Array.from({ length: people }, (_, i) => [
  factory.quad(node(`person${i}`), node("age"), number(i), node(`graph${i % 3}`)),
  factory.quad(node(`person${i}`), node("knows"), node(`person${(i * 7) % people}`), node(`graph${i % 3}`))
]).flat()

test("quadstore finds quads by each of their terms", async () => {
  const found = await withBoth(async (Level, location) => {
    const backend = new Level(location)
    const store = new Quadstore({ backend, dataFactory: factory })
    await store.open()
    await store.multiPut(quads.slice(0, 60))
    for (const quad of quads.slice(60)) await store.put(quad)
    const patterns = {
      all: {},
      subject: { subject: node("person7") },
      predicate: { predicate: node("knows") },
      object: { object: node("person21") },
      graph: { graph: node("graph2") },
      two: { predicate: node("age"), graph: node("graph1") }
    }
    const results = {}
    for (const [name, pattern] of Object.entries(patterns)) {
      const { items } = await store.get(pattern)
      results[name] = items.map(textOf).sort()
    }
    const range = { termType: "Range", gt: number(10), lte: number(15) }
    results.range = (await store.get({ predicate: node("age"), object: range })).items.map(textOf).sort()
    results.match = await collect(store.match(undefined, undefined, undefined, node("graph0")))
    await store.multiPatch(quads.slice(0, 40), [factory.quad(node("new"), node("age"), number(1), node("graph0"))])
    await store.del(quads[41])
    results.left = (await store.get({})).items.map(textOf).sort()
    await store.close()

    const again = new Quadstore({ backend: new Level(location), dataFactory: factory })
    await again.open()
    results.reopened = (await again.get({})).items.map(textOf).sort()
    await again.clear()
    results.cleared = (await again.get({})).items.length
    await again.close()
    return results
  })
  assert.equal(found.all.length, 2 * people)
  assert.ok(found.range.length > 0)
  assert.equal(found.left.length, 2 * people - 40)
  assert.deepEqual(found.reopened, found.left)
  assert.equal(found.cleared, 0)
})
