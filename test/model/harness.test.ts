import { describe, expect, it } from "@effect/vitest"
import { Content } from "./content.js"
import { Model } from "./model.js"
import { shrink } from "./shrink.js"

const holds = (key: string, value: string | undefined) => (content: Content) => content.get(key) === value
const of = (...writes: ReadonlyArray<readonly [string, string]>) => {
  const content = Content.empty.after(writes)
  return (other: Content) => other.equals(content)
}

describe("the model of a store", () => {
  it("holds acknowledged writes", () => {
    const model = new Model()
    model.acknowledge(model.begin([["a", "1"]]), "sync")
    expect(model.observe(holds("a", "1"))).toBe(true)
    expect(model.observe(holds("a", undefined))).toBe(false)
  })

  it("keeps both candidates of an interrupted write until one is seen, then only that one", () => {
    for (const [seen, other] of [
      ["1", undefined],
      [undefined, "1"]
    ]) {
      const model = new Model()
      model.interrupt(model.begin([["a", "1"]]))
      model.settle()
      expect(model.candidates).toHaveLength(2)
      expect(model.observe(holds("a", seen))).toBe(true)
      expect(model.observe(holds("a", other))).toBe(false)
      expect(model.recover(model.survivors(false), holds("a", other))).toBe(seen === "1")
    }
  })

  it("allows an interrupted write to appear later, but not to vanish again", () => {
    const model = new Model()
    model.interrupt(model.begin([["a", "1"]]))
    expect(model.observe(holds("a", undefined))).toBe(true)
    expect(model.observe(holds("a", "1"))).toBe(true)
    expect(model.observe(holds("a", undefined))).toBe(false)
  })

  it("lets a crash lose a suffix of the writes that are not durable, and nothing else", () => {
    const finds = (power: boolean, found: (content: Content) => boolean) => {
      const model = new Model()
      model.acknowledge(model.begin([["a", "1"]]), "sync")
      model.acknowledge(model.begin([["b", "2"]]), "buffered")
      model.acknowledge(model.begin([["c", "3"]]), "interval")
      return model.recover(model.survivors(power), found)
    }
    const [a, b, c] = [
      ["a", "1"],
      ["b", "2"],
      ["c", "3"]
    ] as const
    for (const power of [true, false]) {
      expect(finds(power, of(a, b, c))).toBe(true)
      expect(finds(power, of(a, b))).toBe(true)
      expect(finds(power, of(a))).toBe(power)
      expect(finds(power, of(a, c))).toBe(false)
      expect(finds(power, of(b, c))).toBe(false)
    }
  })

  it("does not show a write that failed with the log, but allows the next open to find it", () => {
    for (const found of ["1", undefined]) {
      const model = new Model()
      model.fail(model.begin([["a", "1"]]), true)
      expect(model.observe(holds("a", "1"))).toBe(false)
      expect(model.recover(model.survivors(false), holds("a", found))).toBe(true)
      expect(model.observe(holds("a", found === undefined ? "1" : undefined))).toBe(false)
    }
  })
})

it("shrinking removes the commands that do not matter", async () => {
  const given = Array.from({ length: 100 }, (_, i) => i)
  const least = await shrink(given, (left) => Promise.resolve(left.includes(17) && left.includes(71)))
  expect(least).toStrictEqual([17, 71])
})
