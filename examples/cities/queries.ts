import { Chunk, Effect, Option, Stream } from "effect"
import { LsmStore, type Store } from "effect-lsm"
import { type City, decodeCity, decodeCityBytes } from "./city.js"
import { after, allCities, cityKey, countryPrefix } from "./keys.js"

/**
 * The cities of a range, decoded chunk by chunk. `mapEffect` would break the Stream's chunks apart.
 */
const citiesIn = (range: Store.ScanOptions) =>
  Stream.unwrap(
    Effect.map(LsmStore.LsmStore, (store) =>
      store
        .values(range)
        .pipe(
          Stream.mapChunksEffect((values) => Effect.map(Effect.forEach(values, decodeCityBytes), Chunk.unsafeFromArray))
        )
    )
  )

/** A country's cities, in the order of their names. */
export const citiesOf = (country: string) => citiesIn({ prefix: countryPrefix(country) })

/** The next `count` cities after one. */
export const citiesAfter = (city: Pick<City, "country" | "name" | "id">, count: number) =>
  citiesIn({ prefix: allCities, start: after(cityKey(city)), limit: count })

/** The last `count` cities, in reverse. */
export const lastCities = (count: number) => citiesIn({ prefix: allCities, reverse: true, limit: count })

export const countCities = (country?: string) =>
  Effect.flatMap(LsmStore.LsmStore, (store) =>
    store.count({ prefix: country === undefined ? allCities : countryPrefix(country) })
  )

export const findCity = (key: string) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const value = yield* store.getString(key)
    return yield* Effect.transposeOption(Option.map(value, decodeCity))
  })
