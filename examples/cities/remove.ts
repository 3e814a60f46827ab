import { Effect, Stream } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"
import { countryPrefix, removedMark } from "./keys.js"

/**
 * The country whose cities are removed. It has the most cities, so that the compaction has
 * something to do.
 */
export const removedCountry = "US"

/**
 * Deletes a country's cities in one batch, which also marks the country as removed. Returns how
 * many there were.
 */
export const removeCountry = (country: string) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const batch = WriteBatch.make()
    yield* store.keys({ prefix: countryPrefix(country) }).pipe(
      Stream.runForEachChunk((keys) =>
        Effect.sync(() => {
          for (const key of keys) batch.delete(key)
        })
      )
    )
    const count = batch.size
    if (count > 0) yield* store.write(batch.put(removedMark(country), ""))
    return count
  })
