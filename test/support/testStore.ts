import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import { keys, pairs, plain, text, toArray } from "./bytes.js"
import { type Place, withStore } from "./places.js"

const letters = ["a", "b", "c", "d", "e", "f", "g", "h"]

/**
 * Keys a..h with the values 1..8, in tables and in memory. One was overwritten, one deleted and put
 * again. "x" is deleted.
 */
const fill = (store: Store.Store) =>
  Effect.gen(function* () {
    yield* store.write(WriteBatch.make().put("a", "1").put("b", "old").put("c", "3").put("x", "gone"))
    yield* store.flush
    yield* store.put("b", "2")
    yield* store.put("d", "4")
    yield* store.delete("x")
    yield* store.delete("c")
    yield* store.flush
    yield* store.write(WriteBatch.make().put("c", "3").put("e", "5").put("f", "6"))
    yield* store.put("g", "7")
    yield* store.put("h", "8")
  })

const all = letters.map((letter, i) => [letter, String(i + 1)] as const)

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

const awkward = [
  "",
  " ",
  "|",
  "a|b",
  "a\nb",
  "\n",
  "\0",
  "a\0",
  "a\0b",
  "\r\n",
  "😀",
  "a😀",
  "ä",
  "日本",
  "\uffff",
  "\ufeffbom"
]

/** The tests that every store must pass, on any storage and with any options. */
export const testStore = (
  name: string,
  place: Effect.Effect<Place, never, Scope.Scope>,
  tuning: LsmOptions.Tuning = {}
): void => {
  const test = <E>(title: string, use: (store: Store.Store) => Effect.Effect<void, E, Scope.Scope>) =>
    it.scoped(title, () => Effect.flatMap(place, (at) => withStore(at, use, tuning)))

  describe(name, () => {
    test("puts, gets, overwrites and deletes", (store) =>
      Effect.gen(function* () {
        expect(yield* store.get("k")).toStrictEqual(Option.none())
        expect(yield* store.has("k")).toBe(false)
        yield* store.put("k", "one")
        expect(yield* store.getString("k")).toStrictEqual(Option.some("one"))
        yield* store.put(new Uint8Array([0x6b]), new Uint8Array([1, 2, 255]))
        expect(Option.map(yield* store.get("k"), plain)).toStrictEqual(Option.some([1, 2, 255]))
        expect(yield* store.has("k")).toBe(true)
        expect(store.unsafeGet("k")).toStrictEqual(new Uint8Array([1, 2, 255]))
        yield* store.delete("k")
        yield* store.delete("never there")
        expect(yield* store.get("k")).toStrictEqual(Option.none())
        expect(yield* store.has("k")).toBe(false)
        expect(store.unsafeGet("k")).toBeUndefined()
        yield* store.put("k", "")
        expect(yield* store.getString("k")).toStrictEqual(Option.some(""))
      }))

    test("returns the values of many keys in the order of the keys", (store) =>
      Effect.gen(function* () {
        yield* fill(store)
        const values = yield* store.getMany(["h", "nowhere", "a", "x", "b", "a"])
        expect(values.map(Option.map(text))).toStrictEqual([
          Option.some("8"),
          Option.none(),
          Option.some("1"),
          Option.none(),
          Option.some("2"),
          Option.some("1")
        ])
        expect(yield* store.getMany(new Set<string>())).toStrictEqual([])
      }))

    test("returns bytes that the caller may change, and copies the bytes passed in", (store) =>
      Effect.gen(function* () {
        const key = new Uint8Array([1, 2, 3])
        const value = new Uint8Array([4, 5, 6])
        yield* store.put(key, value)
        key.fill(0)
        value.fill(0)
        const got = Option.getOrThrow(yield* store.get(new Uint8Array([1, 2, 3])))
        expect(plain(got)).toStrictEqual([4, 5, 6])
        got.fill(9)
        const [entry] = yield* toArray(store.scan())
        entry!.key.fill(9)
        entry!.value.fill(9)
        yield* store.flush
        expect(store.unsafeGet(new Uint8Array([1, 2, 3]))).toStrictEqual(new Uint8Array([4, 5, 6]))
        store.unsafeGet(new Uint8Array([1, 2, 3]))!.fill(9)
        expect(store.unsafeGet(new Uint8Array([1, 2, 3]))).toStrictEqual(new Uint8Array([4, 5, 6]))
      }))

    test("reads the same again after a caller has overwritten the keys and values returned", (store) =>
      Effect.gen(function* () {
        const key = (i: number) => `key ${String(i).padStart(3, "0")}`
        const value = (i: number) => new Uint8Array(i % 50 === 7 ? 9000 : 40).fill(i)
        for (let i = 0; i < 200; i++) yield* store.put(key(i), value(i))
        const check = (entries: ReadonlyArray<Store.Entry>, first: number, step: number) => {
          expect(entries.length).toBe(200)
          for (const [n, entry] of entries.entries()) {
            const i = first + n * step
            if (text(entry.key) !== key(i) || !Buffer.from(entry.value).equals(value(i)))
              expect.fail(`entry ${i} differs`)
            entry.key.fill(0xff)
            entry.value.fill(0xff)
          }
        }
        for (const round of ["in memtables", "in tables", "compacted"]) {
          for (let again = 0; again < 2; again++) {
            check(yield* toArray(store.scan()), 0, 1)
            check(yield* toArray(store.scan({ reverse: true, chunkSize: 7 })), 199, -1)
            check(yield* store.collect(), 0, 1)
            check(yield* store.collect({ reverse: true }), 199, -1)
            for (const bytes of yield* toArray(store.values())) bytes.fill(0xff)
            for (const i of [0, 7, 100, 157]) {
              expect(plain(store.unsafeGet(key(i))!), round).toStrictEqual(plain(value(i)))
              store.unsafeGet(key(i))!.fill(0xff)
            }
            const cursor = yield* store.cursor()
            for (let pass = 0; pass < 2; pass++) {
              yield* cursor.first
              check(yield* cursor.take(200), 0, 1)
            }
          }
          if (round === "in memtables") yield* store.flush
          else yield* store.compact()
        }
      }).pipe(Effect.scoped))

    test("writes batches, in which the last operation on a key wins", (store) =>
      Effect.gen(function* () {
        const batch = WriteBatch.make().put("a", "1").put("b", "1").delete("a").put("b", "2").delete("c").put("c", "3")
        expect(batch.size).toBe(6)
        yield* store.write(batch)
        expect(yield* pairs(store.scan())).toStrictEqual([
          ["b", "2"],
          ["c", "3"]
        ])
        yield* store.write(WriteBatch.make())
        yield* store.write(batch.clear().delete("b"))
        yield* store.write(batch)
        expect(yield* keys(store.keys())).toStrictEqual(["c"])
      }))

    test("scans ranges and prefixes in both directions, with any limit and chunk size", (store) =>
      Effect.gen(function* () {
        yield* fill(store)
        expect(yield* pairs(store.scan())).toStrictEqual(all)
        expect(yield* pairs(store.entries())).toStrictEqual(all)
        expect(yield* pairs(store.scan({ reverse: true }))).toStrictEqual([...all].reverse())
        const bounds = [undefined, "a", "cc", "h", "i"]
        for (const start of bounds) {
          for (const end of bounds) {
            const expected = letters.filter(
              (k) => (start === undefined || k >= start) && (end === undefined || k < end)
            )
            expect(yield* keys(store.keys({ start, end })), `${start}..${end}`).toStrictEqual(expected)
            expect(yield* keys(store.keys({ start, end, reverse: true })), `${end}..${start}`).toStrictEqual(
              [...expected].reverse()
            )
            expect(yield* store.count({ start, end })).toBe(expected.length)
          }
        }
        for (const limit of [0, 1, 3, 8, 9, Number.POSITIVE_INFINITY]) {
          for (const chunkSize of [1, 2, 512]) {
            expect(yield* pairs(store.scan({ limit, chunkSize }))).toStrictEqual(all.slice(0, limit))
            expect(yield* pairs(store.scan({ limit, chunkSize, reverse: true }))).toStrictEqual(
              [...all].reverse().slice(0, limit)
            )
          }
        }
        for (const limit of [undefined, 0, 1, 3, 8, 9]) {
          for (const reverse of [false, true]) {
            const expected = (reverse ? [...all].reverse() : all).slice(0, limit)
            expect(yield* pairs(Stream.fromIterableEffect(store.collect({ limit, reverse })))).toStrictEqual(expected)
          }
        }
        expect((yield* toArray(store.values({ start: "c", limit: 2 }))).map(text)).toStrictEqual(["3", "4"])
        expect(yield* pairs(store.scan().pipe(Stream.take(2)))).toStrictEqual(all.slice(0, 2))
      }))

    test("collects ranges of more than one chunk", (store) =>
      Effect.gen(function* () {
        const keys = Array.from({ length: 2500 }, (_, i) => String(i).padStart(4, "0"))
        const batch = WriteBatch.make()
        for (const key of keys) batch.put(key, `value of ${key}`)
        yield* store.write(batch)
        for (const limit of [1023, 1024, 1025, 2500, undefined]) {
          const found = yield* store.collect({ limit })
          expect(found.map(({ key }) => text(key))).toStrictEqual(keys.slice(0, limit))
          const last = yield* store.collect({ limit, reverse: true })
          expect(last.map(({ key }) => text(key))).toStrictEqual([...keys].reverse().slice(0, limit))
        }
        expect(yield* Effect.flip(store.collect({ limit: -1 }))).toMatchObject({ argument: "limit" })
      }))

    test("scans prefixes, also of 0xff bytes, and combined with bounds", (store) =>
      Effect.gen(function* () {
        const written = [[], [0], [254, 255], [255], [255, 0], [255, 254], [255, 255], [255, 255, 0], [255, 255, 255]]
        for (const key of written) yield* store.put(Uint8Array.from(key), "v")
        yield* store.flush
        for (const prefix of [[], [254], [255], [255, 255], [255, 255, 255], [255, 255, 255, 255], [1]]) {
          const expected = written.filter((key) => prefix.every((byte, i) => key[i] === byte))
          const found = yield* toArray(store.keys({ prefix: Uint8Array.from(prefix) }))
          expect(found.map(plain)).toStrictEqual(expected)
          const reverse = yield* toArray(store.keys({ prefix: Uint8Array.from(prefix), reverse: true }))
          expect(reverse.map(plain)).toStrictEqual([...expected].reverse())
          expect(yield* store.count({ prefix: Uint8Array.from(prefix) })).toBe(expected.length)
        }
        const cut = store.keys({
          prefix: new Uint8Array([255]),
          start: new Uint8Array([255, 1]),
          end: new Uint8Array([255, 255, 1])
        })
        expect((yield* toArray(cut)).map(plain)).toStrictEqual([
          [255, 254],
          [255, 255],
          [255, 255, 0]
        ])
        expect(yield* store.count({ prefix: "a", start: "b" })).toBe(0)
      }))

    test("moves a cursor in both directions", (store) =>
      Effect.gen(function* () {
        yield* fill(store)
        const cursor = yield* store.cursor()
        const at = Effect.map(
          cursor.current,
          Option.map(({ key, value }) => `${text(key)}${text(value)}`)
        )
        expect(yield* at).toStrictEqual(Option.none())
        expect(yield* cursor.next).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("a1"))
        expect(yield* cursor.next).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("b2"))
        expect(yield* cursor.prev).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("a1"))
        expect(yield* cursor.prev).toBe(false)
        expect(yield* at).toStrictEqual(Option.none())
        expect(yield* cursor.last).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("h8"))
        expect(yield* cursor.next).toBe(false)
        expect(yield* cursor.seek("cc")).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("d4"))
        expect(yield* cursor.seekBefore("c")).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("b2"))
        expect(yield* cursor.next).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("c3"))
        expect(yield* cursor.seek("c")).toBe(true)
        expect(yield* cursor.prev).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("b2"))
        expect(yield* cursor.seek("i")).toBe(false)
        expect(yield* cursor.seekBefore("a")).toBe(false)
        expect(yield* cursor.seekBefore("zz")).toBe(true)
        expect(yield* at).toStrictEqual(Option.some("h8"))
        expect(yield* cursor.first).toBe(true)
        expect((yield* cursor.take(3)).map(({ key }) => text(key))).toStrictEqual(["a", "b", "c"])
        expect(yield* at).toStrictEqual(Option.some("d4"))
        expect(yield* cursor.take(0)).toStrictEqual([])
        expect((yield* cursor.take(100)).map(({ key }) => text(key))).toStrictEqual(["d", "e", "f", "g", "h"])
        expect(yield* cursor.take(1)).toStrictEqual([])
        const bounded = yield* store.cursor({ start: "c", end: "f" })
        expect(yield* bounded.prev).toBe(true)
        expect((yield* bounded.take(9)).map(({ key }) => text(key))).toStrictEqual(["e"])
        expect(yield* bounded.seek("a")).toBe(true)
        expect((yield* bounded.take(9)).map(({ key }) => text(key))).toStrictEqual(["c", "d", "e"])
        expect(yield* bounded.seekBefore("z")).toBe(true)
        expect(Option.map(yield* bounded.current, ({ key }) => text(key))).toStrictEqual(Option.some("e"))
        expect(yield* bounded.seek("f")).toBe(false)
        expect(yield* bounded.seekBefore("c")).toBe(false)
      }))

    test("reads a cursor, a Stream and a snapshot at the moment they were made", (store) =>
      Effect.gen(function* () {
        yield* fill(store)
        const snapshot = yield* store.snapshot
        const cursor = yield* store.cursor()
        yield* cursor.first
        const seen = yield* pairs(
          store.scan({ chunkSize: 1 }).pipe(
            Stream.tap(({ key }) =>
              Effect.gen(function* () {
                yield* store.delete(key)
                yield* store.put(`${text(key)}+`, "new")
                if (text(key) === "c") yield* store.flush
                if (text(key) === "f") yield* store.compact()
              })
            )
          )
        )
        expect(seen).toStrictEqual(all)
        expect((yield* cursor.take(100)).map(({ key }) => text(key))).toStrictEqual(letters)
        expect(yield* pairs(store.scan({ snapshot }))).toStrictEqual(all)
        expect(yield* pairs(store.scan({ snapshot, reverse: true }))).toStrictEqual([...all].reverse())
        expect(yield* store.count({ snapshot })).toBe(8)
        expect(yield* store.getString("a", { snapshot })).toStrictEqual(Option.some("1"))
        expect(yield* store.has("a+", { snapshot })).toBe(false)
        expect((yield* store.getMany(["a", "a+"], { snapshot })).map(Option.map(text))).toStrictEqual([
          Option.some("1"),
          Option.none()
        ])
        expect(store.unsafeGet("h", { snapshot })).toStrictEqual(new Uint8Array([0x38]))
        const steered = yield* store.cursor({ snapshot })
        yield* steered.last
        expect(Option.map(yield* steered.current, ({ key }) => text(key))).toStrictEqual(Option.some("h"))
        expect(yield* keys(store.keys())).toStrictEqual(letters.map((letter) => `${letter}+`))
      }))

    test("rejects a snapshot whose scope has closed, and releases what it held", (store) =>
      Effect.gen(function* () {
        const ended = yield* Effect.scoped(Effect.tap(store.snapshot, () => store.put("k", "v")))
        expect((yield* store.stats).snapshots).toBe(0)
        expect(yield* Effect.flip(store.get("k", { snapshot: ended }))).toMatchObject({
          _tag: "InvalidArgument",
          argument: "snapshot"
        })
      }))

    test("flushes and compacts without losing or restoring anything", (store) =>
      Effect.gen(function* () {
        yield* fill(store)
        yield* store.flush
        expect(yield* pairs(store.scan())).toStrictEqual(all)
        expect((yield* store.stats).memory.frozenCount).toBe(0)
        yield* store.compact({ start: "b", end: "d" })
        expect(yield* pairs(store.scan())).toStrictEqual(all)
        yield* store.compact()
        expect(yield* pairs(store.scan())).toStrictEqual(all)
        const { levels, tables } = yield* store.stats
        expect(levels.reduce((n, { entries }) => n + entries, 0)).toBe(8)
        expect(levels.reduce((n, { deletions }) => n + deletions, 0)).toBe(0)
        expect(levels.filter((level) => level.tables > 0)).toHaveLength(1)
        expect(tables).toBeGreaterThan(0)
        for (const letter of letters) yield* store.delete(letter)
        yield* store.compact()
        expect(yield* store.count()).toBe(0)
        expect(yield* store.stats).toMatchObject({ tables: 0, tableBytes: 0 })
        yield* store.flush
        yield* store.compact()
      }))

    test("drops versions that only snapshots needed, once these are released", (store) =>
      Effect.gen(function* () {
        const entries = Effect.map(store.stats, ({ levels }) => levels.reduce((n, level) => n + level.entries, 0))
        const scope = yield* Scope.make()
        for (const letter of letters) yield* store.put(letter, "old".repeat(100))
        const snapshot = yield* Scope.extend(store.snapshot, scope)
        for (const letter of letters) yield* store.put(letter, "new")
        yield* store.delete("h")
        yield* store.compact()
        expect(yield* entries).toBe(16)
        expect(yield* store.getString("h", { snapshot })).toStrictEqual(Option.some("old".repeat(100)))
        const other = yield* store.snapshot
        yield* Scope.close(scope, Exit.void)
        yield* store.compact()
        expect(yield* entries).toBe(7)
        expect(yield* pairs(store.scan({ snapshot: other }))).toStrictEqual(
          letters.slice(0, 7).map((key) => [key, "new"])
        )
        const { compactions } = yield* store.stats
        yield* store.compact()
        expect((yield* store.stats).compactions).toBe(compactions)
      }).pipe(Effect.scoped))

    test("estimates counts and sizes from tables", (store) =>
      Effect.gen(function* () {
        expect(yield* store.approximateCount()).toBe(0)
        expect(yield* store.approximateSize()).toBe(0)
        const batch = WriteBatch.make()
        for (let i = 0; i < 400; i++) batch.put(String(i).padStart(4, "0"), "x".repeat(50))
        yield* store.write(batch)
        expect(yield* store.approximateCount()).toBe(400)
        yield* store.compact()
        expect(yield* store.approximateCount()).toBe(400)
        const whole = yield* store.approximateSize()
        expect(whole).toBe((yield* store.stats).tableBytes)
        expect(whole).toBeGreaterThan(400)
        const half = { start: "0100", end: "0300" }
        expect(yield* store.approximateCount(half)).toBeGreaterThan(100)
        expect(yield* store.approximateCount(half)).toBeLessThan(300)
        expect(yield* store.approximateSize(half)).toBeGreaterThan(whole * 0.25)
        expect(yield* store.approximateSize(half)).toBeLessThan(whole * 0.75)
        expect(yield* store.approximateCount({ prefix: "zzz" })).toBe(0)
        expect(yield* store.approximateSize({ prefix: "zzz" })).toBe(0)
      }))

    it.scoped("keeps every byte value and unusual text in keys and values, across a restart", () =>
      Effect.gen(function* () {
        const at = yield* place
        yield* withStore(
          at,
          (store) =>
            Effect.gen(function* () {
              for (const key of awkward) yield* store.put(key, `value of ${key}`)
              const batch = WriteBatch.make().put(everyByte, everyByte)
              for (const byte of everyByte) batch.put(Uint8Array.of(0, byte), Uint8Array.of(byte))
              yield* store.write(batch)
            }),
          tuning
        )
        const check = (store: Store.Store) =>
          Effect.gen(function* () {
            for (const key of awkward) {
              expect(yield* store.getString(key), key).toStrictEqual(Option.some(`value of ${key}`))
            }
            expect(Option.map(yield* store.get(everyByte), plain)).toStrictEqual(Option.some([...everyByte]))
            for (const byte of everyByte)
              expect(store.unsafeGet(Uint8Array.of(0, byte))).toStrictEqual(Uint8Array.of(byte))
            const found = (yield* toArray(store.keys())).map((key) => Buffer.from(key))
            const keysGiven = [...awkward.map((key) => Buffer.from(key)), Buffer.from(everyByte)]
            const pairsOfBytes = [...everyByte].map((byte) => Buffer.of(0, byte))
            expect(found).toStrictEqual([...keysGiven, ...pairsOfBytes].sort(Buffer.compare))
            expect(plain(found[0]!)).toStrictEqual([])
          })
        yield* withStore(at, check, tuning)
        yield* withStore(at, (store) => Effect.zipRight(store.compact(), check(store)), tuning)
      })
    )

    it.scoped("keeps large values and long keys, across a restart", () =>
      Effect.gen(function* () {
        const at = yield* place
        const key = "k".repeat(65_536)
        const value = new Uint8Array(1_500_000)
        for (let i = 0; i < value.length; i++) value[i] = i * i
        yield* withStore(at, (store) => Effect.zipRight(store.put(key, value), store.put("after", "it")), tuning)
        for (const flush of [false, true]) {
          yield* withStore(
            at,
            (store) =>
              Effect.gen(function* () {
                if (flush) yield* store.flush
                expect(Buffer.compare(store.unsafeGet(key)!, value)).toBe(0)
                const entries = yield* toArray(store.scan({ reverse: true }))
                expect(entries.map((entry) => [entry.key.length, entry.value.length])).toStrictEqual([
                  [65_536, 1_500_000],
                  [5, 2]
                ])
                expect(Buffer.compare(entries[0]!.value, value)).toBe(0)
              }),
            tuning
          )
        }
      })
    )

    it.scoped("reopens cleanly many times, without orphans or dropped data", () =>
      Effect.gen(function* () {
        const at = yield* place
        for (let round = 0; round < 6; round++) {
          yield* withStore(
            at,
            (store) =>
              Effect.gen(function* () {
                expect((yield* store.stats).recovery, `round ${round}`).toMatchObject({ orphans: [], dropped: [] })
                expect(yield* store.count()).toBe(round)
                yield* store.put(`round ${round}`, "x".repeat(round * 10))
                if (round % 3 === 1) yield* store.flush
                if (round % 3 === 2) yield* store.compact()
              }),
            tuning
          )
        }
      })
    )
  })
}
