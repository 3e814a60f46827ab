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
      verify(batches, journal)
    )

    if (found.absent.size === 0) {
      yield* Console.log("All cities are there from an earlier run: no import")
    } else {
      const missing = batches.filter((batch) => found.absent.has(batch.number))
      yield* Console.log(
        found.complete.size === 0 ? "Importing" : `Going on with the ${missing.length} batches that are absent`
      )
      yield* step((count) => `Imported ${number(count)} cities`, importBatches(missing, journal, killAt))
    }

    yield* step(() => "Flushed", store.flush)
    yield* step(
      (count) =>
        count === 0
          ? `The cities of ${removedCountry} were removed by an earlier run`
          : `Removed the ${number(count)} cities of ${removedCountry}`,
      removeCountry(removedCountry)
    )
    yield* step(() => "Compacted", store.compact())
    yield* printStats
  }).pipe(Effect.scoped)
