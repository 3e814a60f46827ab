import { Console, Effect, type Option } from "effect"
import { LsmStore } from "effect-lsm"
import { batches } from "./dataset.js"
import { number } from "./format.js"
import { importBatches } from "./import.js"
import { openJournal } from "./journal.js"
import { removeCountry, removedCountry } from "./remove.js"
import { printStats, step } from "./report.js"
import { verify } from "./verify.js"

/** Checks what is there, imports what is not, removes a country's cities, and compacts what is left. */
export const prepare = (journalPath: string, killAt: Option.Option<number>) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const journal = yield* openJournal(journalPath)

    const found = yield* step(
      ({ complete, absent }) =>
        complete.size === 0
          ? "The store is empty"
          : `Checked every value: all ${journal.acknowledged.size} acknowledged batches are there; ` +
            `${complete.size} batches are complete, ${absent.size} absent, 0 there in part`,
      verify(batches, journal),
      {
        count: ({ complete }) => batches.reduce((sum, b) => sum + (complete.has(b.number) ? b.records.length : 0), 0),
        meaning: "values a second, each read from the store and compared with what was written"
      }
    )

    if (found.absent.size === 0) {
      yield* Console.log("All cities are there from an earlier run: no import")
    } else {
      const missing = batches.filter((batch) => found.absent.has(batch.number))
      yield* Console.log(
        found.complete.size === 0 ? "Importing" : `Going on with the ${missing.length} batches that are absent`
      )
      yield* step((count) => `Imported ${number(count)} cities`, importBatches(missing, journal, killAt), {
        count: (count) => count,
        meaning: "cities a second, encoded by Schema and written in batches of 500, each batch on disk before the next"
      })
    }

    yield* step(() => "Flushed: the newest entries went from memory into a table file", store.flush)
    yield* step(
      (count) =>
        count === 0
          ? `The cities of ${removedCountry} were removed by an earlier run`
          : `Removed the ${number(count)} cities of ${removedCountry}`,
      removeCountry(removedCountry),
      { count: (count) => count, meaning: "keys a second, found by a scan and deleted in one atomic batch" }
    )
    yield* step(() => "Compacted: tables were merged, and deleted entries left them", store.compact())
    yield* printStats
  }).pipe(Effect.scoped)
