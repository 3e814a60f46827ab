import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as CompactionWorker from "effect-lsm/CompactionWorker"
import * as LsmStore from "effect-lsm/LsmStore"
import type * as Store from "effect-lsm/Store"
import { type Data, makeData } from "../lib/data.js"
import { watchDelay } from "../lib/delay.js"
import { noteBeforeClose, noteBeforeOpen } from "../lib/resident.js"
import type { Contender, Figures } from "../lib/row.js"
import { fill } from "./store.js"
import { turn } from "./turn.js"

const writers = 5
/**
 * Writes per second when delays are compared. Compactions in the same thread leave time for that
 * many.
 */
const pace = 2_000
const MiB = 1024 * 1024

const pause = Effect.async<void>((resume) => {
  setTimeout(() => resume(Effect.void), 1)
})

/** Overwrites at most `rate` entries per second, by fibers that yield to the event loop. */
const underLoad = (
  store: Store.Store,
  { keys, values }: Data,
  rate: number,
  millis: number
): Effect.Effect<Figures, unknown> =>
  Effect.gen(function* () {
    const before = yield* store.stats
    const begin = performance.now()
    let written = 0
    const writer = Effect.gen(function* () {
      while (performance.now() < begin + millis) {
        while (written < ((performance.now() - begin) * rate) / 1000) {
          const i = (written++ * 104_729) % keys.length
          yield* store.put(keys[i]!, values[i]!)
          if (rate === Number.POSITIVE_INFINITY) break
        }
        yield* rate === Number.POSITIVE_INFINITY ? turn : pause
      }
    })
    const delay = watchDelay()
    yield* Effect.all(
      Array.from({ length: writers }, () => writer),
      { concurrency: "unbounded", discard: true }
    )
    const delays = delay()
    const seconds = (performance.now() - begin) / 1000
    const after = yield* store.stats
    return {
      ...delays,
      "writes/s": written / seconds,
      "MiB compacted/s": (after.written.compaction - before.written.compaction) / MiB / seconds,
      compactions: after.compactions - before.compactions
    }
  })

const contender =
  (make: typeof LsmStore.make, compacting: boolean, rate = Number.POSITIVE_INFINITY): Contender =>
  ({ entries, quick, directory }) => {
    const data = makeData(entries)
    const options = { directory, durability: "buffered", memtableBytes: 8 * MiB, tableBytes: 2 * MiB } as const
    noteBeforeOpen()
    return make({ ...options, level0Tables: 1000 }).pipe(
      Effect.flatMap((store) =>
        Effect.gen(function* () {
          yield* fill(store, data)
          yield* store.compact()
          const compactor = yield* Effect.fork(
            compacting ? Effect.forever(Effect.zipRight(store.compact(), turn)) : Effect.void
          )
          const figures = yield* underLoad(store, data, rate, quick ? 1_000 : 6_000)
          yield* Fiber.interrupt(compactor)
          noteBeforeClose()
          return figures
        })
      ),
      Effect.scoped,
      Effect.runPromise
    )
  }

export const contenders: Readonly<Record<string, Contender>> = {
  "paced, no compaction": contender(LsmStore.make, false, pace),
  "paced, in process": contender(LsmStore.make, true, pace),
  "paced, in a thread": contender(CompactionWorker.makeStore, true, pace),
  "no compaction": contender(LsmStore.make, false),
  "in process": contender(LsmStore.make, true),
  "in a thread": contender(CompactionWorker.makeStore, true)
}
