import { cpSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmStore, type Store } from "effect-lsm"
import * as places from "../support/places.js"

const key = (i: number) => `key ${String(i).padStart(4, "0")}`

/**
 * The content of the store in fixtures/format-1. Version 0.1.0 wrote 400 entries and compacted them
 * to a deflated table with blocks of 1 KiB. Then it flushed a new version of every third entry, and
 * the delete of every fifth. It wrote two more batches and was killed.
 */
const content = (): ReadonlyArray<readonly [key: string, value: string]> => {
  const model = new Map<string, string>()
  for (let i = 0; i < 400; i++) model.set(key(i), `first value of ${i}`)
  for (let i = 0; i < 400; i += 3) model.set(key(i), `second value of ${i}`)
  for (let i = 0; i < 400; i += 5) model.delete(key(i))
  model.delete(key(7))
  model.set(key(8), "")
  model.set("", "the empty key")
  model.set("ключ", "значение")
  const hex = [...model].map(([k, v]) => [bytes(k).toString("hex"), bytes(v).toString("hex")] as const)
  return [...hex, ["ff00ff", "07".repeat(3000)] as const].sort(([a], [b]) => (a < b ? -1 : 1))
}

const bytes = (text: string) => Buffer.from(text)

const all = (store: Store.Store, options?: Store.ScanOptions) =>
  Effect.map(Stream.runCollect(store.scan(options)), (entries) =>
    [...entries].map((e) => [Buffer.from(e.key).toString("hex"), Buffer.from(e.value).toString("hex")])
  )

/** Copies the store that a released version left behind. */
const copyOf = (name: string) =>
  Effect.tap(places.disk, ({ directory }) =>
    Effect.sync(() =>
      cpSync(fileURLToPath(new URL(join("../fixtures", name), import.meta.url)), directory, { recursive: true })
    )
  )

describe("a store of format 1, as 0.1.0 left it", () => {
  it.scoped("is sound", () =>
    Effect.gen(function* () {
      const { directory } = yield* copyOf("format-1")
      const last = yield* Stream.runLast(LsmStore.verify({ directory }))
      const counts = { tables: 2, segments: 2, entries: 587, records: 2, errors: 0, notices: 0 }
      expect(Option.getOrThrow(last)).toStrictEqual({ _tag: "Verified", ...counts })
    })
  )

  it.scoped("holds what was written, and can be written, compacted and reopened", () =>
    Effect.gen(function* () {
      const place = yield* copyOf("format-1")
      const expected = content()
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* all(store)).toStrictEqual(expected)
          expect(yield* all(store, { reverse: true })).toStrictEqual(expected.toReversed())
          expect(Option.getOrThrow(yield* store.getString(key(3)))).toBe("second value of 3")
          expect(yield* store.has(key(5))).toBe(false)
          const { levels } = yield* store.stats
          expect(levels.slice(0, 2).map(({ tables }) => tables)).toStrictEqual([2, 1])
          yield* store.put("new", "entry")
          yield* store.compact()
        })
      )
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.delete("new")
          expect(yield* all(store)).toStrictEqual(expected)
        })
      )
    })
  )
})

/**
 * The content of the store in fixtures/format-2, as it is while the store is open: 200 entries that
 * were compacted, then a new version of every third, the delete of every tenth, each flushed, and one
 * more put. Values of at least 64 bytes lie in value files. Blocks have 64 bytes, so a table has several
 * partitions.
 */
const contentWithValues = (): ReadonlyArray<readonly [string, string]> => {
  const value = (i: number, round: number) => `${i} in round ${round} `.padEnd(20 + (i % 5) * 30, "v")
  const model = new Map<string, string>()
  for (let i = 0; i < 200; i++) model.set(key(i), value(i, 0))
  for (let i = 0; i < 200; i += 3) model.set(key(i), value(i, 1))
  for (let i = 0; i < 200; i += 10) model.delete(key(i))
  model.set(key(7), "the last value of 7, which is only in the log ".repeat(4))
  return [...model]
    .map(([k, v]) => [bytes(k).toString("hex"), bytes(v).toString("hex")] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

describe("a store of format 2, with value files", () => {
  it.scoped("is sound, can be read, written and compacted, with and without separated values", () =>
    Effect.gen(function* () {
      const place = yield* copyOf("format-2")
      const last = yield* Stream.runLast(LsmStore.verify({ directory: place.directory }))
      const counts = { tables: 3, segments: 2, entries: 287, records: 1, errors: 0, notices: 0 }
      expect(Option.getOrThrow(last)).toStrictEqual({ _tag: "Verified", ...counts })
      const expected = contentWithValues()
      for (const valueThreshold of [Number.POSITIVE_INFINITY, 64, 1, Number.POSITIVE_INFINITY]) {
        yield* places.withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              expect(yield* all(store)).toStrictEqual(expected)
              expect(yield* all(store, { reverse: true })).toStrictEqual(expected.toReversed())
              expect((yield* store.stats).valueFiles.count).toBeGreaterThan(0)
              yield* store.put("new", "entry".repeat(50))
              yield* store.compact()
              yield* store.delete("new")
              yield* store.compact()
              expect(yield* all(store)).toStrictEqual(expected)
            }),
          { valueThreshold }
        )
      }
      const after = yield* Stream.runLast(LsmStore.verify({ directory: place.directory }))
      expect(Option.getOrThrow(after)).toMatchObject({ errors: 0, notices: 0 })
    })
  )
})

/**
 * The content of the store in fixtures/lz4: 300 entries that were compacted, then a new version of every
 * third and the delete of every fifth, flushed. Both tables are compressed with LZ4.
 */
const contentOfLz4 = (): ReadonlyArray<readonly [string, string]> => {
  const model = new Map<string, string>()
  for (let i = 0; i < 300; i++) model.set(key(i), `first value of ${i}, first value of ${i}`)
  for (let i = 0; i < 300; i += 3) model.set(key(i), `second value of ${i}, `.repeat(i % 10))
  for (let i = 0; i < 300; i += 5) model.delete(key(i))
  return [...model].map(([k, v]) => [bytes(k).toString("hex"), bytes(v).toString("hex")] as const)
}

describe("a store with tables compressed by LZ4", () => {
  it.scoped("is sound, can be read, written and compacted with another compression", () =>
    Effect.gen(function* () {
      const place = yield* copyOf("lz4")
      const last = yield* Stream.runLast(LsmStore.verify({ directory: place.directory }))
      expect(Option.getOrThrow(last)).toMatchObject({ tables: 2, entries: 440, errors: 0, notices: 0 })
      const expected = contentOfLz4()
      for (const compression of ["lz4", "none", "deflate", "lz4"] as const) {
        yield* places.withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              expect(yield* all(store)).toStrictEqual(expected)
              expect(yield* all(store, { reverse: true })).toStrictEqual(expected.toReversed())
              expect(Option.getOrThrow(yield* store.getString(key(7)))).toBe("first value of 7, first value of 7")
              yield* store.put("new", "entry")
              yield* store.compact()
              yield* store.delete("new")
              yield* store.compact()
            }),
          { compression }
        )
      }
    })
  )
})
