import { setImmediate } from "node:timers/promises"
import { Console, Effect, Option } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"
import { type Batch, rowsOf } from "./dataset.js"
import type { Journal } from "./journal.js"
import { batchMark } from "./keys.js"
import { makeProgress } from "./progress.js"

const writeBatchOf = (batch: Batch) =>
  Effect.map(rowsOf(batch), (rows) => {
    const writes = WriteBatch.make()
    for (const row of rows) writes.put(row.key, row.value)
    return writes.put(batchMark(batch.number), String(rows.length))
  })

/** Kills this process, as a crash would, while one more batch is being written. */
const crashDuring = (batch: Batch | undefined) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    if (batch !== undefined) yield* Effect.fork(store.write(yield* writeBatchOf(batch)))
    // Yield to the event loop once: long enough for the write to the log, but too short for its
    // sync.
    yield* Effect.promise(() => setImmediate())
    process.kill(process.pid, "SIGKILL")
    return yield* Effect.never
  })

/**
 * Writes batches one after the other, each atomically. Notes each acknowledged batch in the
 * journal.
 */
export const importBatches = (batches: ReadonlyArray<Batch>, journal: Journal, killAt: Option.Option<number>) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const total = batches.reduce((sum, batch) => sum + batch.records.length, 0)
    const progress = yield* makeProgress("cities", total)
    let done = 0
    for (const [index, batch] of batches.entries()) {
      yield* store.write(yield* writeBatchOf(batch), { durability: "sync" })
      yield* journal.add(batch.number)
      done += batch.records.length
      yield* progress(done)
      if (Option.contains(killAt, index + 1)) {
        yield* Console.log(`\n  ${index + 1} batches acknowledged: now this process kills itself`)
        yield* crashDuring(batches[index + 1])
      }
    }
    return total
  })
