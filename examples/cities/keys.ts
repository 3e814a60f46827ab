import type { City } from "./city.js"

/**
 * Keys sort as bytes, and UTF-8 sorts as code points do. So a key lists its parts in the order in
 * which we want to read them:
 *
 *   city <0> country <0> name <0> id
 *   meta <0> what
 *
 * The separator U+0000 sorts before every other character. This keeps "San" before "San José", and
 * all cities of one name together. The id has a fixed width, so that its digits sort as numbers do.
 */
const separator = "\u0000"

export const allCities = `city${separator}`

export const countryPrefix = (country: string) => `${allCities}${country}${separator}`

export const namePrefix = (country: string, name: string) => `${countryPrefix(country)}${name}${separator}`

export const cityKey = (city: Pick<City, "country" | "name" | "id">) =>
  `${namePrefix(city.country, city.name)}${String(city.id).padStart(10, "0")}`

/** The smallest key above `key`. A scan that continues after `key` starts here. */
export const after = (key: string) => `${key}\u0000`

/** Each batch of the import also writes this key, to mark that the batch is there. */
export const batchMark = (batch: number) => `meta${separator}batch${separator}${String(batch).padStart(6, "0")}`

/**
 * The batch that removes a country also writes this key, to mark that its cities are meant to be
 * gone.
 */
export const removedMark = (country: string) => `meta${separator}removed${separator}${country}`
