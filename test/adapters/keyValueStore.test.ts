import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as LsmKeyValueStore from "effect-lsm/KeyValueStore"
import { backends } from "../support/adapters/backends.js"
import { calls, kindOf } from "../support/adapters/keyValueStore.js"
import { disk, memory } from "../support/places.js"

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)
const loneSurrogate = "a\ud800"

for (const [name, layer] of backends(KeyValueStore.layerMemory, LsmKeyValueStore.layer())) {
  describe(`KeyValueStore on ${name}`, () => {
    const test = (title: string, body: (kv: Effect.Effect.Success<typeof calls>) => Effect.Effect<void, unknown>) =>
      it.effect(title, () => Effect.flatMap(calls, body).pipe(Effect.provide(layer)))

    test("returns what was set, and replaces it", (kv) =>
      Effect.gen(function* () {
        yield* kv.set("/a/b", "one")
        expect(yield* kv.get("/a/b")).toBe("one")
        yield* kv.set("/a/b", "two")
        expect(yield* kv.get("/a/b")).toBe("two")
        expect(yield* kv.size).toBe(1)
      }))

    test("has nothing at a key that was not set", (kv) =>
      Effect.gen(function* () {
        expect(yield* kv.get("a")).toBeUndefined()
        expect(yield* kv.getUint8Array("a")).toBeUndefined()
        expect(yield* kv.has("a")).toBe(false)
        expect(yield* kv.isEmpty).toBe(true)
        expect(yield* kv.size).toBe(0)
      }))

    test("removes, also what is absent", (kv) =>
      Effect.gen(function* () {
        yield* kv.set("a", "1")
        yield* kv.set("b", "2")
        yield* kv.remove("a")
        yield* kv.remove("a")
        expect(yield* kv.get("a")).toBeUndefined()
        expect(yield* kv.has("b")).toBe(true)
        expect(yield* kv.size).toBe(1)
      }))

    test("clears, and can be filled again", (kv) =>
      Effect.gen(function* () {
        yield* kv.set("a", "1")
        yield* kv.set("", "2")
        yield* kv.clear
        expect(yield* kv.isEmpty).toBe(true)
        yield* kv.set("a", "3")
        expect(yield* kv.size).toBe(1)
        yield* kv.clear
        expect(yield* kv.get("a")).toBeUndefined()
      }))

    test("modifies what is there, and nothing else", (kv) =>
      Effect.gen(function* () {
        expect(yield* kv.modify("a", (value) => `${value}!`)).toBeUndefined()
        expect(yield* kv.modifyUint8Array("a", (value) => value)).toBeUndefined()
        expect(yield* kv.size).toBe(0)
        yield* kv.set("a", "x")
        expect(yield* kv.modify("a", (value) => `${value}!`)).toBe("x!")
        expect(yield* kv.modifyUint8Array("a", (value) => bytes(...value, 255))).toEqual(bytes(0x78, 0x21, 255))
        expect(yield* kv.getUint8Array("a")).toEqual(bytes(0x78, 0x21, 255))
        expect(yield* kv.modify("a", (value) => value)).toBe("eCH/")
        expect(yield* kv.get("a")).toBe("eCH/")
        expect(yield* kv.size).toBe(1)
      }))

    test("keeps strings and bytes apart", (kv) =>
      Effect.gen(function* () {
        for (const text of ["", "text", "aGVsbG8=", "\0", "é€\u{1f600}", "\ufeffx"]) {
          yield* kv.set("a", text)
          expect(yield* kv.get("a")).toBe(text)
          expect(yield* kv.getUint8Array("a")).toEqual(new TextEncoder().encode(text))
        }
        for (const [value, base64] of [
          [bytes(), ""],
          [bytes(0), "AA=="],
          [bytes(0xff, 0xfe, 0xc3), "//7D"],
          [new TextEncoder().encode("text"), "dGV4dA=="]
        ] as const) {
          yield* kv.set("a", value)
          expect(yield* kv.get("a")).toBe(base64)
          expect(yield* kv.getUint8Array("a")).toEqual(value)
        }
      }))

    test("tells keys apart that begin each other", (kv) =>
      Effect.gen(function* () {
        const keys = ["", "a", "a\0", "a\0b", "aa", "é", "\u{1f600}", "\uffff"]
        for (const key of keys) yield* kv.set(key, `value of ${key}`)
        expect(yield* kv.size).toBe(keys.length)
        for (const key of keys) expect(yield* kv.get(key)).toBe(`value of ${key}`)
        yield* kv.remove("a")
        expect(yield* kv.size).toBe(keys.length - 1)
      }))

    test("dies of what the function of a modification throws, and leaves the value", (kv) =>
      Effect.gen(function* () {
        yield* kv.set("a", "1")
        const exit = yield* Effect.exit(
          kv.modify("a", () => {
            throw new Error("no")
          })
        )
        expect(Exit.isFailure(exit)).toBe(true)
        expect(yield* kv.get("a")).toBe("1")
      }))
  })
}

describe("KeyValueStore on a store", () => {
  const open = (options?: LsmKeyValueStore.Options) => Effect.provide(calls, LsmKeyValueStore.layer(options))

  for (const [name, place] of [
    ["memory", memory],
    ["disk", disk]
  ] as const) {
    it.scoped(`is there after the store in ${name} was opened again`, () =>
      Effect.gen(function* () {
        const at = yield* place
        yield* Effect.flatMap(open(), (kv) => Effect.zipRight(kv.set("a", "1"), kv.set("b", bytes(1, 2)))).pipe(
          Effect.provide(at.open())
        )
        yield* Effect.gen(function* () {
          const kv = yield* open()
          expect(yield* kv.get("a")).toBe("1")
          expect(yield* kv.getUint8Array("b")).toEqual(bytes(1, 2))
          expect(yield* kv.size).toBe(2)
        }).pipe(Effect.provide(at.open()))
      })
    )
  }

  it.effect("does not see another name, nor the other keys of the store", () =>
    Effect.gen(function* () {
      const store = yield* OrderedStore.OrderedStore
      yield* store.put("a", "of the application")
      const names = ["default", "a", "a\0", "a\0b", "aa"]
      const all = yield* Effect.forEach(names, (name) => open({ name }))
      for (const [i, kv] of all.entries()) yield* kv.set("k", names[i]!)
      for (const [i, kv] of all.entries()) expect([yield* kv.size, yield* kv.get("k")]).toEqual([1, names[i]])
      yield* all[1]!.clear
      expect(yield* Effect.forEach(all, (kv) => kv.size)).toEqual([1, 0, 1, 1, 1])
      expect(yield* store.has("a")).toBe(true)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("loses no modification of 64 fibers", () =>
    Effect.gen(function* () {
      const kv = yield* open()
      yield* kv.set("n", "0")
      yield* Effect.forEach(
        Array.from({ length: 64 }),
        () =>
          Effect.repeatN(
            kv.modify("n", (n) => String(Number(n) + 1)),
            9
          ),
        { concurrency: 64, discard: true }
      )
      expect(yield* kv.get("n")).toBe("640")
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("fails with BadArgument for what it cannot store", () =>
    Effect.gen(function* () {
      const { limits } = yield* OrderedStore.OrderedStore
      const kv = yield* open()
      yield* kv.set("a", "1")
      const long = "k".repeat(limits.keyBytes + 1)
      const kinds = yield* Effect.forEach(
        [
          kv.set(long, "v"),
          kv.set(loneSurrogate, "v"),
          kv.set("a", loneSurrogate),
          kv.get(loneSurrogate),
          kv.modify("a", () => loneSurrogate)
        ],
        (call: Effect.Effect<unknown, Parameters<typeof kindOf>[0]>) => Effect.map(Effect.flip(call), kindOf)
      )
      expect(kinds).toEqual([
        { kind: "BadArgument", method: "set", cause: "LimitExceeded" },
        { kind: "BadArgument", method: "set", cause: "InvalidArgument" },
        { kind: "BadArgument", method: "set", cause: "InvalidArgument" },
        { kind: "BadArgument", method: "get", cause: "InvalidArgument" },
        { kind: "BadArgument", method: "modify", cause: "InvalidArgument" }
      ])
      expect(yield* kv.get("a")).toBe("1")
      expect(yield* kv.get(long)).toBeUndefined()
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("refuses a name that is none", () =>
    Effect.gen(function* () {
      for (const name of ["", "n".repeat(1025), loneSurrogate]) {
        const error = yield* Effect.flip(open({ name }))
        expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "name" })
      }
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails when the store is closed", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const kv = yield* open().pipe(Effect.provide(at.open()))
      expect(kindOf(yield* Effect.flip(kv.get("a")))).toMatchObject({ kind: "BadResource", cause: "StoreClosed" })
      expect(kindOf(yield* Effect.flip(kv.clear))).toMatchObject({ method: "clear", cause: "StoreClosed" })
    })
  )

  it.effect("fails for a value that it has not written", () =>
    Effect.gen(function* () {
      const store = yield* OrderedStore.OrderedStore
      const kv = yield* open()
      yield* kv.set("a", "1")
      const [entry] = yield* store.collect({})
      yield* store.put(entry!.key, bytes(9))
      expect(yield* Effect.flip(kv.get("a"))).toMatchObject({ method: "get" })
      expect(yield* Effect.flip(kv.modify("a", (value) => value))).toMatchObject({ method: "modify" })
      expect(yield* store.get(entry!.key)).toMatchObject({ value: bytes(9) })
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("is built as a layer in a program", () =>
    Effect.gen(function* () {
      const kv = yield* calls
      yield* kv.set("a", "1")
      expect(yield* kv.get("a")).toBe("1")
    }).pipe(Effect.provide(Layer.provide(LsmKeyValueStore.layer({ durability: "buffered" }), LsmStore.layerMemory())))
  )
})
