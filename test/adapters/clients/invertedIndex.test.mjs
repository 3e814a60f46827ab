import assert from "node:assert/strict"
import { once } from "node:events"
import test from "node:test"
import { InvertedIndex } from "fergies-inverted-index"
import { withBoth } from "./both.mjs"

const makes = ["BMW", "Tesla", "Volvo"]
const colours = ["Red", "Blue", "Black", "White"]
const cars = Array.from({ length: 40 }, (_, _id) => ({
  _id,
  make: makes[_id % 3],
  colour: colours[(_id * 5) % 4],
  year: 2000 + (_id % 9)
}))

const ids = (results) => results.map(({ _id }) => _id).sort((a, b) => a - b)

const open = async (Level, name) => {
  const index = new InvertedIndex({ Level, name })
  await once(index.EVENTS, "ready")
  return index
}

test("fergies-inverted-index intersects, unites and aggregates", async () => {
  const found = await withBoth(async (Level, location) => {
    const index = await open(Level, location)
    await index.PUT(cars)
    const results = {
      get: ids(await index.GET("make:Tesla")),
      and: ids(await index.AND(["make:BMW", "colour:Red"])),
      or: ids(await index.OR(["make:Volvo", "colour:Blue"])),
      not: ids(await index.NOT("make:BMW", "colour:Red")),
      range: ids(await index.GET({ FIELD: ["year"], VALUE: { GTE: 2003, LTE: 2005 } })),
      fields: await index.FIELDS(),
      facets: await index.FACETS({ FIELD: ["make"] }),
      bucket: await index.BUCKET("colour:White"),
      max: await index.MAX({ FIELD: ["year"] }),
      min: await index.MIN({ FIELD: ["year"] })
    }
    await index.DELETE([3, 4, 5])
    results.left = ids(await index.OR(makes.map((make) => `make:${make}`)))
    const exported = (await index.EXPORT()).filter(({ key }) => !JSON.stringify(key).includes("~"))
    results.exported = exported
    await index.STORE.close()
    const again = await open(Level, location)
    results.reopened = ids(await again.GET("make:Tesla"))
    await again.STORE.close()
    return results
  })
  assert.equal(found.get.length, 13)
  assert.equal(found.left.length, cars.length - 3)
  assert.equal(found.max, 2008)
  assert.ok(found.exported.length > cars.length)
})
