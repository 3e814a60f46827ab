import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Keyspace, LsmStore } from "effect-lsm"
import * as AbstractLevel from "effect-lsm/AbstractLevel"
import { LsmLevel } from "effect-lsm/AbstractLevel"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { inDirectory } from "./inDirectory.js"

const keyOf = (i: number) => `k${String(i).padStart(6, "0")}`

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ type: "put" as const, key: keyOf(i), value: String(i) }))

describe("a Level database", () => {
  inDirectory("has its entries when it is opened again", async (location) => {
    const database = new LsmLevel<string, { name: string }>(location, { valueEncoding: "json" })
    await database.put("a", { name: "Ada" })
    await database.close()
    await database.open()
    await database.put("b", { name: "Bob" }, { sync: true })
    await database.close()
    const again = new LsmLevel<string, { name: string }>(location, { valueEncoding: "json" })
    expect(await again.iterator().all()).toEqual([
      ["a", { name: "Ada" }],
      ["b", { name: "Bob" }]
    ])
    expect(again.location).toBe(location)
    await again.close()
  })

  inDirectory("syncs a write only if it is asked to", async (location) => {
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const store = yield* LsmStore.make({ directory: location })
          const database = yield* AbstractLevel.makeFromStore(store)
          const syncsOf = (write: () => Promise<void>) =>
            Effect.gen(function* () {
              const before = yield* store.stats
              yield* Effect.promise(write)
              return (yield* store.stats).log.syncs - before.log.syncs
            })
          yield* Effect.promise(() => database.put("a", "0"))
          expect(yield* syncsOf(() => database.put("a", "1"))).toBe(0)
          expect(yield* syncsOf(() => database.batch([{ type: "del", key: "a" }]))).toBe(0)
          expect(yield* syncsOf(() => database.put("a", "2", { sync: true }))).toBe(1)
          expect(yield* syncsOf(() => database.del("a", { sync: true }))).toBe(1)
          expect(yield* syncsOf(() => database.batch([{ type: "put", key: "b", value: "" }], { sync: true }))).toBe(1)
          expect(yield* syncsOf(() => database.batch().del("b").write({ sync: true }))).toBe(1)
          expect(yield* syncsOf(() => database.clear({ sync: true }))).toBe(1)
        })
      )
    )
  })

  inDirectory("keeps others from the event loop only for a while", async (location) => {
    const database = new LsmLevel(location)
    await database.batch(numbered(2000))
    const turnsDuring = async (work: () => Promise<unknown>): Promise<number> => {
      let turns = 0
      const count = () => {
        turns++
        pending = setImmediate(count)
      }
      let pending = setImmediate(count)
      await work()
      clearImmediate(pending)
      return turns
    }
    const gets = async () => {
      for (let i = 0; i < 2000; i++) await database.get(keyOf(i))
    }
    const has = async () => {
      for (let i = 0; i < 2000; i++) await database.has(keyOf(i))
    }
    const all = () => database.iterator().all()
    for (const work of [gets, has, all]) expect(await turnsDuring(work)).toBeGreaterThan(0)
    await database.close()
  })

  inDirectory("passes over many deleted entries", async (location) => {
    const database = new LsmLevel(location)
    const entries = numbered(20_000)
    await database.batch(entries)
    await database.batch(entries.slice(1, -1).map(({ key }) => ({ type: "del" as const, key })))
    for (const reverse of [false, true]) {
      const keys = [keyOf(0), keyOf(19_999)]
      expect(await database.keys({ reverse }).all()).toEqual(reverse ? keys.reverse() : keys)
    }
    const walk = database.keys({ gt: keyOf(0) })
    expect(await walk.next()).toBe(keyOf(19_999))
    expect(await walk.next()).toBeUndefined()
    await walk.close()
    await database.close()
  })

  inDirectory("returns large values a few at a time", async (location) => {
    const database = new LsmLevel<string, Uint8Array>(location, { valueEncoding: "view" })
    const value = new Uint8Array(600 * 1024).fill(7)
    for (let i = 0; i < 5; i++) await database.put(keyOf(i), value)
    const values = database.values()
    const lengths = (some: Array<Uint8Array>) => some.map(({ length }) => length)
    expect(lengths(await values.nextv(5))).toEqual([value.length, value.length])
    expect(lengths(await values.all())).toEqual([value.length, value.length, value.length])
    await database.close()
  })

  inDirectory("clears a part of a range, and only what a snapshot has", async (location) => {
    const database = new LsmLevel(location)
    await database.batch(numbered(6))
    await database.clear({ gt: keyOf(0), limit: 2 })
    await database.clear({ reverse: true, limit: 1 })
    expect(await database.keys().all()).toEqual([keyOf(0), keyOf(3), keyOf(4)])
    const snapshot = database.snapshot()
    await database.put(keyOf(1), "new")
    await database.clear({ snapshot })
    expect(await database.keys().all()).toEqual([keyOf(1)])
    expect(await database.keys({ snapshot }).all()).toEqual([keyOf(0), keyOf(3), keyOf(4)])
    await snapshot.close()
    await database.close()
  })

  inDirectory("clears up to a key of any length", async (location) => {
    const database = new LsmLevel<Uint8Array>(location, { keyEncoding: "view" })
    const longest = new Uint8Array(64 * 1024).fill(1)
    await database.put(longest, "")
    await database.put(Uint8Array.of(2), "")
    await database.clear({ lte: longest })
    expect(await database.keys().all()).toEqual([Uint8Array.of(2)])
    await database.close()
  })

  inDirectory("estimates the size of a range, and compacts it", async (location) => {
    const database = new LsmLevel(location)
    await database.batch(numbered(5000))
    await database.compactRange(keyOf(0), keyOf(4999))
    const all = await database.approximateSize(keyOf(0), keyOf(5000))
    const half = await database.approximateSize(keyOf(0), keyOf(2500))
    expect(half).toBeGreaterThan(all / 3)
    expect(half).toBeLessThan((all * 2) / 3)
    expect(await database.approximateSize("x", "z")).toBe(0)
    await database.close()
    await expect(database.compactRange("a", "b")).rejects.toMatchObject({ code: "LEVEL_DATABASE_NOT_OPEN" })
  })
})

describe("the directory of a Level database", () => {
  inDirectory("is removed with all files of the store", async (location) => {
    await LsmLevel.destroy(location)
    const database = new LsmLevel(location)
    await database.batch(numbered(100))
    await expect(LsmLevel.destroy(location)).rejects.toMatchObject({ code: "LEVEL_LOCKED" })
    await database.compactRange(keyOf(0), keyOf(99))
    await database.close()
    await LsmLevel.destroy(location)
    expect(existsSync(location)).toBe(false)
  })

  inDirectory("stays if other files are in it", async (location) => {
    const database = new LsmLevel(location)
    await database.put("a", "1")
    await database.close()
    writeFileSync(join(location, "000001.log.txt"), "mine")
    await LsmLevel.destroy(location)
    expect(readdirSync(location)).toEqual(["000001.log.txt"])
  })

  inDirectory("is repaired", async (location) => {
    const database = new LsmLevel(location)
    await database.batch(numbered(10))
    await database.compactRange(keyOf(0), keyOf(9))
    await database.put("later", "1")
    await database.close()
    const table = join(location, readdirSync(location).find((name) => name.endsWith(".sst"))!)
    const bytes = readFileSync(table)
    bytes[bytes.length >> 2]! ^= 255
    writeFileSync(table, bytes)
    await LsmLevel.repair(location)
    const repaired = new LsmLevel(location)
    expect(await repaired.get("later")).toBe("1")
    await repaired.close()
  })

  it("needs a path", async () => {
    await expect(LsmLevel.destroy("")).rejects.toBeInstanceOf(TypeError)
    await expect(LsmLevel.repair("")).rejects.toBeInstanceOf(TypeError)
  })
})

describe("Level databases in one store", () => {
  const Users = Keyspace.make({ name: "level", key: Schema.String, value: Schema.Number })
  const names = ["a", "ab", "a\u0000", "\uffff"]

  it.scoped("have their own entries", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const users = yield* Keyspace.openIn(store, Users)
      yield* users.put("ada", 36)
      yield* store.put("a", "of the store")
      const databases = yield* Effect.forEach(names, (namespace) => AbstractLevel.makeFromStore(store, { namespace }))
      const keys = [keyOf(0), keyOf(1), keyOf(2), "own"]
      yield* Effect.promise(async () => {
        for (const [i, database] of databases.entries()) {
          await database.batch([...numbered(3), { type: "put", key: "own", value: names[i]! }])
        }
        for (const [i, database] of databases.entries()) {
          expect(await database.keys().all()).toEqual(keys)
          expect(await database.keys({ reverse: true }).all()).toEqual([...keys].reverse())
          expect(await database.get("own")).toBe(names[i])
          expect(database.getSync("a")).toBeUndefined()
          expect(database.getSync("own", { valueEncoding: "view" })).toEqual(new TextEncoder().encode(names[i]))
        }
        await databases[0]!.clear()
        await databases[1]!.clear({ limit: 3 })
        const left = await Promise.all(databases.map((database) => database.keys().all()))
        expect(left).toEqual([[], ["own"], keys, keys])
      })
      expect(yield* store.getString("a")).toStrictEqual(Option.some("of the store"))
      expect(yield* users.collect()).toStrictEqual([{ key: "ada", value: 36 }])
      expect(yield* Keyspace.namesIn(store)).toEqual(["level"])
    })
  )

  it.scoped("do not have the keys of a name that goes on with a NUL", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const [one, other] = yield* Effect.forEach(["a", "a\u0000"], (namespace) =>
        AbstractLevel.makeFromStore<Uint8Array, string>(store, { namespace, keyEncoding: "view" })
      )
      yield* Effect.promise(async () => {
        for (const first of [0x00, 0xff]) await one!.put(Uint8Array.of(first, 0x00, 0x61), "")
        expect(await other!.keys().all()).toEqual([])
        await other!.clear()
        expect(await one!.keys().all()).toHaveLength(2)
      })
    })
  )

  it.scoped("stop at their edges when they seek", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const databases = yield* Effect.forEach(names, (namespace) => AbstractLevel.makeFromStore(store, { namespace }))
      yield* Effect.promise(async () => {
        for (const database of databases) await database.batch(numbered(2))
        for (const reverse of [false, true]) {
          const walk = databases[1]!.keys({ reverse })
          walk.seek(reverse ? keyOf(0) : keyOf(1))
          expect(await walk.next()).toBe(reverse ? keyOf(0) : keyOf(1))
          expect(await walk.next()).toBeUndefined()
          walk.seek(reverse ? "" : "z")
          expect(await walk.next()).toBeUndefined()
          await walk.close()
        }
      })
    })
  )

  it.scoped("are the whole store without a namespace", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      const database = yield* AbstractLevel.makeFromStore(store)
      yield* store.put("a", "1")
      yield* Effect.promise(() => database.put("b", "2"))
      expect(yield* Effect.promise(() => database.iterator().all())).toEqual([
        ["a", "1"],
        ["b", "2"]
      ])
      expect(yield* store.getString("b")).toStrictEqual(Option.some("2"))
    })
  )

  it.scopedLive("may open the store too, until a scope ends", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const written = AbstractLevel.make<string, number>(directory, { valueEncoding: "json" }).pipe(
        Effect.tap((database) => Effect.promise(() => database.put("a", 1))),
        Effect.scoped
      )
      expect((yield* written).status).toBe("closed")
      const store = yield* LsmStore.make({ directory })
      expect(yield* store.getString("a")).toStrictEqual(Option.some("1"))
      const refused = yield* Effect.flip(Effect.scoped(AbstractLevel.make(directory)))
      expect(refused._tag).toBe("StoreLocked")
    })
  )
})
