import * as Effect from "effect/Effect"
import { type Store, WriteBatch } from "effect-lsm"
import { type History, levels } from "./history.js"
import { diskOf, withStore } from "./laboratory.js"

/** Later than any test's clock, so that a value with this time is there. */
const later = 3_600_000

/** When a value of `rangedHistory` expires, which its text says. Undefined if it does not. */
export const expiryOf = (value: string): number | undefined => {
  const [, time] = /until (\d+)/.exec(value) ?? []
  return time === undefined ? undefined : Number(time)
}

const keyOf = (i: number): string => `key${String(i).padStart(3, "0")}`

/**
 * A history with deletions of ranges, values that expire later, and values that have expired when they
 * are written. Its tables of level 0 have ranges that reach over many keys of deeper tables, and no
 * compaction merges them. Some values lie in value files.
 */
export const makeRangedHistory: Effect.Effect<History> = Effect.gen(function* () {
  const values = new Map<string, Array<string | undefined>>()
  const disk = diskOf()
  const note = (key: string, value: string | undefined): void => {
    values.set(key, [...(values.get(key) ?? []), value])
  }
  const write = (store: Store.Store, round: number) =>
    Effect.forEach(
      [0, 20, 40],
      (from) => {
        const batch = WriteBatch.make()
        for (let i = from; i < from + 20; i++) {
          if (round > 1 ? (i * 7 + round * 3) % 8 !== 0 : (i * 7 + round * 3) % 5 === 0) continue
          const key = keyOf(i)
          const kind = (i + round) % 6
          const text = `${key} in round ${round}${kind === 1 ? ` until ${later + i}` : ""} ${"x".repeat(i)}`
          if (kind === 0) batch.delete(key)
          else if (kind === 2) batch.put(key, text, { expiresAt: 0 })
          else batch.put(key, text, { expiresAt: expiryOf(text) })
          note(key, kind === 0 || kind === 2 ? undefined : text)
        }
        if (round > 1) {
          const [start, end] = [from + round, from + round + 11]
          batch.deleteRange({ start: keyOf(start), end: keyOf(end) })
          for (let i = start; i < end; i++) if (values.has(keyOf(i))) note(keyOf(i), undefined)
        }
        return store.write(batch)
      },
      { discard: true }
    )
  const tuning = { ...levels, valueThreshold: 70 }
  yield* withStore(
    disk,
    (store) =>
      Effect.gen(function* () {
        for (const round of [0, 1]) {
          yield* write(store, round)
          yield* store.flush
        }
        yield* store.compact()
      }),
    tuning
  )
  yield* withStore(
    disk,
    (store) =>
      Effect.gen(function* () {
        for (const round of [2, 3, 4]) {
          yield* write(store, round)
          yield* store.flush
        }
        yield* write(store, 5)
      }),
    { ...tuning, level0Tables: 1000, level1Bytes: 2 ** 30 }
  )
  return { files: disk.contents(), values }
}).pipe(Effect.orDie)
