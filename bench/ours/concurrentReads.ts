import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Store from "effect-lsm/Store"
import { type Data, makeData } from "../lib/data.js"
import { type Contender, expect, type Figures } from "../lib/row.js"
import { quantile } from "../lib/statistics.js"
import { fill, withStore } from "./store.js"
import { turn } from "./turn.js"

const readers = 50
const writers = 5
const MiB = 1024 * 1024

/**
 * Times each read alone, and together with the turn of the event loop before it, which shows
 * whatever keeps the thread busy.
 */
const underLoad = (store: Store.Store, { keys, values }: Data, millis: number) => {
  const turns: Array<number> = []
  const reads: Array<number> = []
  let written = 0
  let asked = 0
  const deadline = performance.now() + millis
  const reader = Effect.gen(function* () {
    while (performance.now() < deadline) {
      const i = (asked++ * 7_919) % keys.length
      const begin = performance.now()
      yield* turn
      const granted = performance.now()
      const value = yield* store.get(keys[i]!)
      const end = performance.now()
      turns.push(end - begin)
      reads.push(end - granted)
      expect("first byte read", Option.getOrThrow(value)[0]!, values[i]![0]!)
    }
  })
  const writer = Effect.gen(function* () {
    while (performance.now() < deadline) {
      const i = (written++ * 104_729) % keys.length
      yield* store.put(keys[i]!, values[i]!)
      yield* turn
    }
  })
  const fibers = Array.from({ length: readers + writers }, (_, i) => (i < readers ? reader : writer))
  const figures = (): Figures => {
    const sortedTurns = Float64Array.from(turns).sort()
    const sortedReads = Float64Array.from(reads).sort()
    return {
      "reads/s": (reads.length / millis) * 1000,
      "writes/s": (written / millis) * 1000,
      "read p50 µs": quantile(sortedReads, 0.5) * 1000,
      "read p99 µs": quantile(sortedReads, 0.99) * 1000,
      "turn p50 µs": quantile(sortedTurns, 0.5) * 1000,
      "turn p99 µs": quantile(sortedTurns, 0.99) * 1000
    }
  }
  return Effect.map(Effect.all(fibers, { concurrency: "unbounded", discard: true }), figures)
}

const contender =
  (compacting: boolean): Contender =>
  ({ entries, quick, directory }) => {
    const data = makeData(entries)
    // With small memtables and tables the compactor is always busy. A high level0Tables keeps it
    // idle.
    const level0Tables = compacting ? 2 : 1000
    const tuning = { memtableBytes: 8 * MiB, tableBytes: 2 * MiB, level0Tables, level0SlowdownTables: 1000 }
    return withStore(directory, tuning, (store) =>
      Effect.gen(function* () {
        yield* fill(store, data)
        yield* store.compact()
        const before = yield* store.stats
        if (compacting) yield* Effect.fork(Effect.forever(Effect.zipRight(store.compact(), turn)))
        const figures = yield* underLoad(store, data, quick ? 1_000 : 4_000)
        const after = yield* store.stats
        return { ...figures, compactions: after.compactions - before.compactions }
      })
    )
  }

export const contenders = { "no compaction": contender(false), compacting: contender(true) }
