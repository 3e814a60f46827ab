import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LsmStore } from "effect-lsm"

const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`)

describe("entries that are cached", () => {
  it.effect("are those of the newest flush, and stay when other keys are flushed or tables compacted", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const expected = new Map<string, string>()
      const readAll = Effect.gen(function* () {
        for (let i = 0; i < 3; i++) {
          for (const key of keys) {
            expect(Option.getOrUndefined(yield* store.getString(key))).toBe(expected.get(key))
          }
        }
      })
      for (let round = 0; round < 6; round++) {
        for (const [i, key] of keys.entries()) {
          if (i % (round + 2) !== 0) continue
          if (i % 5 === round) {
            expected.delete(key)
            yield* store.delete(key)
          } else {
            expected.set(key, `${key} in round ${round}`)
            yield* store.put(key, `${key} in round ${round}`)
          }
        }
        yield* readAll
        yield* store.flush
        yield* readAll
        if (round % 2 === 1) yield* store.compact()
        const before = (yield* store.stats).cache.entryHits
        yield* readAll
        const hits = (yield* store.stats).cache.entryHits - before
        // Even the first time: no compaction emptied the cache.
        expect(hits).toBeGreaterThanOrEqual(expected.size * 2.5)
      }
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )
})
