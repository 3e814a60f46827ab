import { Data, Effect, Option } from "effect"
import { LsmStore } from "effect-lsm"
import { type Batch, keysOf, type Row, rowsOf } from "./dataset.js"
import type { Journal } from "./journal.js"
import { batchMark, removedMark } from "./keys.js"
import { removedCountry } from "./remove.js"

/** The store lost a batch that it had acknowledged, or holds a part of a batch. */
export class PromiseBroken extends Data.TaggedError("PromiseBroken")<{
  readonly lost: ReadonlyArray<number>
  readonly partial: ReadonlyArray<number>
}> {
  override get message() {
    return `batches acknowledged but not there: ${this.lost.join(", ") || "none"}; there in part: ${this.partial.join(", ") || "none"}`
  }
}

const decoder = new TextDecoder()

/** Whether a batch is complete, absent or, which must never happen, there in part. */
const stateOf = (batch: Batch, isRemoved: (row: Row) => boolean) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const values = yield* store.getMany(keysOf(batch))
    if (!(yield* store.has(batchMark(batch.number)))) return values.every(Option.isNone) ? "absent" : "partial"
    const rows = yield* rowsOf(batch)
    const isThere = (row: Row, value: Option.Option<Uint8Array>) =>
      isRemoved(row) ? Option.isNone(value) : Option.isSome(value) && decoder.decode(value.value) === row.value
    return rows.every((row, i) => isThere(row, values[i]!)) ? "complete" : "partial"
  })

/** Compares the store with the acknowledged batches, value by value. */
export const verify = (batches: ReadonlyArray<Batch>, journal: Journal) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const removed = yield* store.has(removedMark(removedCountry))
    const isRemoved = (row: Row) => removed && row.country === removedCountry
    const found = { complete: new Set<number>(), absent: new Set<number>(), partial: new Set<number>() }
    for (const batch of batches) found[yield* stateOf(batch, isRemoved)].add(batch.number)
    const lost = [...journal.acknowledged].filter((number) => found.absent.has(number))
    if (lost.length + found.partial.size > 0) return yield* new PromiseBroken({ lost, partial: [...found.partial] })
    return found
  })
