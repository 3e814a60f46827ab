import type { City } from "./city.js"

/**
 * Keys sort as bytes, and UTF-8 sorts as code points do, so a key is its parts in the order that we want to read them in:
 *
 *   city <0> country <0> name <0> id
 *   meta <0> what
 *
 * The separator is U+0000: it sorts before whatever else a name may go on with, which keeps "San" before "San José", and
 * all cities of a name together. The id has a fixed width, so that its digits sort as numbers do.
 */
const separator = "\u0000"

export const allCities = `city${separator}`

export const countryPrefix = (country: string) => `${allCities}${country}${separator}`

export const namePrefix = (country: string, name: string) => `${countryPrefix(country)}${name}${separator}`

export const cityKey = (city: Pick<City, "country" | "name" | "id">) =>
  `${namePrefix(city.country, city.name)}${String(city.id).padStart(10, "0")}`

/** The smallest key above `key`: what a scan that goes on behind a key starts from. */
export const after = (key: string) => `${key}\u0000`

/** Written within each batch of the import: that the batch is there. */
export const batchMark = (batch: number) => `meta${separator}batch${separator}${String(batch).padStart(6, "0")}`

/** Written within the batch that removes a country: that it is meant to be gone. */
export const removedMark = (country: string) => `meta${separator}removed${separator}${country}`
