import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Keyspace, LsmStore, WriteBatch } from "effect-lsm"
import { checkAsync } from "../support/property.js"

type Key = readonly [string, number, boolean]

const Rows = Keyspace.make({
  name: "rows",
  key: Schema.Tuple(Schema.String, Schema.Number, Schema.Boolean),
  value: Schema.Number
})
const Neighbour = Keyspace.make({ name: "neighbour", key: Schema.String, value: Schema.Number })

const texts = ["", "\0", "a", "a\0", "ab", "é", "\uffff", "😀"]
const text = FastCheck.constantFrom(...texts)
const number = FastCheck.constantFrom(-1.5, 0, 1, 9, 10, Number.POSITIVE_INFINITY)
const anyKey: FastCheck.Arbitrary<Key> = FastCheck.tuple(text, number, FastCheck.boolean())
const anyBound = FastCheck.tuple(anyKey, FastCheck.nat(3)).map(
  ([key, length]): Keyspace.Prefix<Key> => ([[], [key[0]], [key[0], key[1]], key] as const)[length]!
)
const anyRange = FastCheck.record(
  {
    start: anyBound,
    end: anyBound,
    prefix: anyBound,
    reverse: FastCheck.boolean(),
    limit: FastCheck.nat(20)
  },
  { requiredKeys: [] }
)

/** The order of keys and of their beginnings, as the guide says it. `texts` are in the order of code points. */
const compare = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]].map((part) => (typeof part === "string" ? texts.indexOf(part) : Number(part)))
    if (x !== y) return x! < y! ? -1 : 1
  }
  return a.length - b.length
}

describe("ranges of a keyspace", () => {
  it("are those of a sorted array, by collect, scan, count and pages", () =>
    checkAsync(
      FastCheck.asyncProperty(
        FastCheck.array(anyKey, { maxLength: 60 }),
        FastCheck.array(anyKey, { maxLength: 20 }),
        FastCheck.array(anyRange, { minLength: 10, maxLength: 10 }),
        FastCheck.integer({ min: 1, max: 7 }),
        (put, deleted, ranges, pageSize) =>
          Effect.gen(function* () {
            const store = yield* LsmStore.LsmStore
            const neighbour = yield* Keyspace.open(Neighbour)
            const rows = yield* Keyspace.open(Rows)
            yield* neighbour.put("a", 1)
            const batch = WriteBatch.make()
            for (const [i, key] of put.entries()) yield* rows.putIn(batch, key, i)
            for (const key of deleted) yield* rows.deleteIn(batch, key)
            yield* store.write(batch)
            const content = new Map(put.map((key, i) => [JSON.stringify(key.map(String)), { key, value: i }]))
            for (const key of deleted) content.delete(JSON.stringify(key.map(String)))
            const sorted = [...content.values()].sort((a, b) => compare(a.key, b.key))
            for (const range of ranges) {
              const { end, limit, prefix, reverse = false, start } = range
              const inRange = sorted.filter(
                ({ key }) =>
                  (start === undefined || compare(key, start) >= 0) &&
                  (end === undefined || compare(key, end) < 0) &&
                  (prefix === undefined || compare(key.slice(0, prefix.length), prefix) === 0)
              )
              const expected = reverse ? inRange.reverse() : inRange
              const limited = expected.slice(0, limit)
              expect(yield* rows.collect(range)).toStrictEqual(limited)
              expect(Array.from(yield* Stream.runCollect(rows.scan({ ...range, chunkSize: 3 })))).toStrictEqual(limited)
              expect(yield* rows.count(range)).toBe(expected.length)
              const paged: Array<Keyspace.Row<Key, number>> = []
              let after: string | undefined
              do {
                const page: Keyspace.Page<Key, number> = yield* rows.page({ ...range, limit: pageSize, after })
                paged.push(...page.rows)
                after = page.next
              } while (after !== undefined)
              expect(paged).toStrictEqual(expected)
            }
          }).pipe(Effect.provide(LsmStore.layerMemory({ durability: "buffered" })), Effect.runPromise)
      ),
      25
    ))
})
