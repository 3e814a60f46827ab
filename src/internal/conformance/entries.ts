import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type ConformanceCase, failsWith, rowsOf, same } from "./case.js"

const some = (text: string) => Option.some(text)
const decoded = Option.map((bytes: Uint8Array) => new TextDecoder().decode(bytes))
const encode = (text: string) => new TextEncoder().encode(text)

/** Single keys, and ranges of them. */
export const entryCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "returns what was put last, and nothing for a key that is absent",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        yield* same(yield* store.get(at("a")), Option.none(), "an absent key")
        yield* same(yield* store.has(at("a")), false, "an absent key")
        yield* store.put(at("a"), "1")
        yield* same(decoded(yield* store.get(at("a"))), some("1"), "a key after its put")
        yield* store.put(at("a"), "2")
        yield* same(decoded(yield* store.get(at("a"))), some("2"), "a key after its second put")
        yield* same(yield* store.has(at("a")), true, "a key that is there")
        yield* store.delete(at("a"))
        yield* same(yield* store.get(at("a")), Option.none(), "a key after its delete")
        yield* store.delete(at("a"))
        yield* store.put(at("a"), "")
        yield* same(decoded(yield* store.get(at("a"))), some(""), "an empty value")
      })
  },
  {
    name: "keeps every byte of keys and values, and takes strings as UTF-8",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
        const key = Uint8Array.of(...encode(at("")), ...bytes)
        yield* store.put(key, bytes)
        const value = yield* store.get(key)
        yield* same(
          Option.map(value, (found) => [...found]),
          Option.some([...bytes]),
          "all bytes"
        )
        yield* store.put(at("é😀"), "ü😀")
        yield* same(decoded(yield* store.get(encode(at("é😀")))), some("ü😀"), "a string, asked for by its bytes")
        for (const wrong of [store.put(at("\ud800"), "v"), store.put(at("k"), "\udc00"), store.delete(at("\ud800"))]) {
          yield* failsWith("InvalidArgument", wrong)
        }
        yield* same(yield* store.has(at("k")), false, "a key whose put was refused")
      })
  },
  {
    name: "neither keeps the bytes it was given nor gives away its own",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const [key, value] = [encode(at("k")), encode("value")]
        yield* store.put(key, value)
        key.fill(0)
        value.fill(0)
        const first = yield* store.get(at("k"))
        yield* same(decoded(first), some("value"), "a value whose bytes were changed after the put")
        if (Option.isSome(first)) first.value.fill(1)
        yield* same(decoded(yield* store.get(at("k"))), some("value"), "a value whose copy was changed")
      })
  },
  {
    name: "returns many values in the order of their keys",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        yield* store.put(at("a"), "1")
        yield* store.put(at("b"), "2")
        const found = yield* store.getMany([at("b"), at("x"), at("a"), at("b")])
        yield* same(found.map(decoded), [some("2"), Option.none(), some("1"), some("2")], "four keys")
        yield* same(yield* store.getMany([]), [], "no keys")
      })
  },
  {
    name: "scans, collects and counts ranges in the order of unsigned bytes, both ways",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        const keys = ["", "\u0000", "a", "a\u0000", "ab", "b", "z", "é", "\u{ffff}", "😀"]
        for (const key of [...keys].reverse()) yield* store.put(at(key), "v")
        const sorted = [...keys].sort((a, b) => Buffer.compare(encode(a), encode(b)))
        const bounds = [undefined, "", "a", "aa", "b", "é", "\u{10ffff}"]
        for (const start of bounds) {
          for (const end of bounds) {
            const inside = sorted.filter((key) => {
              const bytes = encode(key)
              return (
                (start === undefined || Buffer.compare(bytes, encode(start)) >= 0) &&
                (end === undefined || Buffer.compare(bytes, encode(end)) < 0)
              )
            })
            const range = {
              ...own,
              ...(start !== undefined && { start: at(start) }),
              ...(end !== undefined && { end: at(end) })
            }
            yield* same(yield* store.count(range), inside.length, "a count")
            for (const reverse of [false, true]) {
              const expected = (reverse ? [...inside].reverse() : inside).map((key) => `${key}=v`)
              const what = `[${start}, ${end})${reverse ? " from its end" : ""}`
              const collected = yield* store.collect({ ...range, reverse })
              yield* same(rowsOf(collected, given), expected, what)
              const some = yield* store.collect({ ...range, reverse, limit: 3 })
              yield* same(rowsOf(some, given), expected.slice(0, 3), `${what}, at most 3`)
              const scanned = yield* Stream.runCollect(store.scan({ ...range, reverse, chunkSize: 2 }))
              yield* same(rowsOf(scanned, given), expected, `${what}, as a Stream`)
            }
          }
        }
        const within = yield* store.collect({ prefix: at("a") })
        yield* same(rowsOf(within, given), ["a=v", "a\u0000=v", "ab=v"], "a prefix")
        yield* same(yield* store.collect({ ...own, limit: 0 }), [], "no entries")
      })
  },
  {
    name: "deletes a range with its first key and without its end, and takes later puts in it",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        for (const key of ["a", "b", "ba", "c", "d"]) yield* store.put(at(key), "1")
        yield* store.deleteRange({ start: at("b"), end: at("c") })
        yield* same(rowsOf(yield* store.collect(own), given), ["a=1", "c=1", "d=1"], "a range")
        yield* same(yield* store.has(at("ba")), false, "a key in the range")
        yield* store.put(at("ba"), "2")
        yield* store.deleteRange({ start: at("c"), end: at("b") })
        yield* same(rowsOf(yield* store.collect(own), given), ["a=1", "ba=2", "c=1", "d=1"], "a later put")
        yield* store.deleteRange({ prefix: at("b") })
        yield* store.deleteRange({ start: at("d"), ...own })
        yield* same(rowsOf(yield* store.collect({ ...own, reverse: true }), given), ["c=1", "a=1"], "a prefix")
        yield* same(yield* store.count(own), 2, "a count")
      })
  },
  {
    name: "tells its limits, and refuses what exceeds them with nothing written",
    run: ({ at, own, store }) =>
      Effect.gen(function* () {
        const { keyBytes } = store.limits
        for (const limit of Object.values(store.limits)) {
          const isLimit = (typeof limit === "number" && limit > 0) || limit === "linearizable" || limit === "stale"
          yield* same(isLimit, true, `the limit ${limit}`)
        }
        if (keyBytes > 1_000_000) return
        const longest = at("").padEnd(keyBytes, "k")
        yield* store.put(longest, "1")
        yield* same(decoded(yield* store.get(longest)), some("1"), "the longest key")
        for (const tooLong of [store.put(`${longest}k`, "2"), store.transact((tx) => tx.put(`${longest}k`, "2"))]) {
          const error = yield* failsWith("LimitExceeded", tooLong)
          yield* same((error as { readonly limit?: string }).limit, "keyBytes", "the limit that was exceeded")
        }
        yield* same(yield* store.count(own), 1, "the entries")
      })
  }
]
