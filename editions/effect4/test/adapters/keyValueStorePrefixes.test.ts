import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as LsmKeyValueStore from "effect-lsm/KeyValueStore"
import { backends } from "../support/adapters/backends.js"

const names = ["", "a", "a%", "a_", "ab", "abc", "aé", "b", "\u{1f600}x"]

for (const [name, layer] of backends(KeyValueStore.layerMemory, LsmKeyValueStore.layer())) {
  describe(`keys and prefixes of KeyValueStore on ${name}`, () => {
    for (const prefix of ["", "a", "a%", "ab", "aé", "c", "\u{1f600}"]) {
      it.effect(`clears what begins with "${prefix}"`, () =>
        Effect.gen(function* () {
          const kv = yield* KeyValueStore.KeyValueStore
          for (const key of names) yield* kv.set(key, key)
          yield* kv.clearPrefix(prefix)
          expect([...(yield* kv.keys)].sort()).toEqual(names.filter((key) => !key.startsWith(prefix)).sort())
        }).pipe(Effect.provide(layer))
      )
    }

    it.effect("has views by prefix", () =>
      Effect.gen(function* () {
        const kv = yield* KeyValueStore.KeyValueStore
        yield* kv.set("other", "0")
        const view = KeyValueStore.prefix(kv, "view/")
        yield* view.set("a", "1")
        yield* view.modify("a", (value) => `${value}!`)
        expect(yield* view.get("a")).toBe("1!")
        expect(yield* kv.has("view/a")).toBe(true)
        expect(yield* view.keys).toEqual(["a"])
        expect(yield* view.size).toBe(1)
        yield* view.clear
        expect(yield* view.isEmpty).toBe(true)
        expect(yield* kv.keys).toEqual(["other"])
      }).pipe(Effect.provide(layer))
    )
  })
}
