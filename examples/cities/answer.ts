import { Console, Effect, Option, Stream } from "effect"
import type { City } from "./city.js"
import { number } from "./format.js"
import { cityKey } from "./keys.js"
import * as Queries from "./queries.js"
import { removedCountry } from "./remove.js"
import { step } from "./report.js"

const lyon = { country: "FR", name: "Lyon", id: 2996944 }

/** How many cities of a longer list are printed. */
const shown = 5

const print = (city: City) =>
  Console.log(`  ${city.country}  ${city.name} (${number(city.population)}) at ${city.latitude}, ${city.longitude}`)

/** Prints a Stream of cities under a heading. */
const list = <E, R>(describe: (count: number) => string, cities: Stream.Stream<City, E, R>) =>
  step((found) => describe(found.length), Stream.runCollect(cities)).pipe(
    Effect.tap((found) => Effect.forEach(Array.from(found).slice(0, shown), print)),
    Effect.tap((found) => (found.length > shown ? Console.log(`  and ${found.length - shown} more`) : Effect.void))
  )

/** The second half: queries of the store by Streams. */
export const answer = Effect.gen(function* () {
  yield* list((count) => `The ${count} cities of Iceland, by name`, Queries.citiesOf("IS"))
  yield* list((count) => `The ${count} cities that come after Lyon`, Queries.citiesAfter(lyon, 10))
  yield* list((count) => `The last ${count} cities, in reverse`, Queries.lastCities(5))

  yield* step((count) => `${number(count)} cities in IT`, Queries.countCities("IT"))
  yield* step((count) => `${number(count)} cities in ${removedCountry}`, Queries.countCities(removedCountry))
  yield* step((count) => `${number(count)} cities in all`, Queries.countCities(), {
    count: (count) => count,
    meaning: "keys a second, counted by a scan of all of them"
  })

  const city = yield* step(() => "One city, by its key", Queries.findCity(cityKey(lyon)))
  yield* Option.match(city, { onNone: () => Console.log("  is not there"), onSome: print })
})
