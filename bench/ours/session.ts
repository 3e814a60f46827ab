import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import type * as LsmOptions from "effect-lsm/LsmOptions"
import * as LsmStore from "effect-lsm/LsmStore"
import type { Figures } from "../lib/row.js"
import type { OpenSession } from "../lib/session.js"
import { type Course, type Loop, rate } from "../lib/slices.js"
import type { Kind } from "../loops/index.js"
import type { Settings } from "../peers/peer.js"
import * as Decisions from "./decisions.js"
import type { EffectLoop } from "./loop.js"
import { queue, readsInTurns, readsWhileWriting, timedMix, ycsb } from "./mixed.js"
import * as Reads from "./reads.js"
import * as Writes from "./writes.js"

const usualLoops: Readonly<Record<Kind, EffectLoop>> = {
  puts: Writes.puts,
  timedPuts: Writes.timedPuts,
  concurrentPuts: Writes.concurrentPuts,
  batches: Writes.batches,
  deletes: Writes.deletes,
  gets: Reads.gets,
  timedGets: Reads.timedGets,
  getManys: Reads.getManys,
  walks: Reads.streamWalks,
  reverseWalks: Reads.reverseWalks,
  seeks: Reads.streamSeeks,
  readsWhileWriting,
  readsInTurns,
  queue,
  ycsb,
  timedMix
}

/** Alternative loops by name. */
export const otherLoops = {
  getWith: { gets: Reads.lentGets, timedGets: Reads.timedLentGets },
  unsafeGet: { gets: Reads.unsafeGets },
  mapChunks: { walks: Reads.mappedWalks },
  cursor: { walks: Reads.cursorWalks, seeks: Reads.cursorSeeks },
  collect: { seeks: Reads.collectSeeks },
  forEach: { concurrentPuts: Writes.forEachPuts },
  oneAtATime: { concurrentPuts: Writes.serialPuts },
  entryByEntry: { walks: Reads.unchunkedWalks },
  readThenWrite: { puts: Decisions.readThenWrite },
  transactions: { puts: Decisions.transactions },
  increments: { concurrentPuts: Decisions.increments }
} satisfies Readonly<Record<string, Partial<Readonly<Record<Kind, EffectLoop>>>>>

const measure = (course: Course, loop: Loop<Effect.Effect<void, unknown>>): Effect.Effect<Figures, unknown> =>
  Effect.gen(function* () {
    const { operations, slice, limit, twice } = course
    if (twice) yield* measure({ ...course, twice: false }, loop)
    let done = 0
    const begin = performance.now()
    while (done < operations && performance.now() - begin < limit) {
      const to = Math.min(done + slice, operations)
      yield* loop(done, to)
      done = to
    }
    return rate(course, done, performance.now() - begin)
  })

const optionsOf = (settings: Settings): LsmOptions.Tuning => {
  const durability = settings.durability === "sync" ? "sync" : "buffered"
  if (settings.defaults === true) return { durability }
  return {
    durability,
    blockCacheBytes: settings.cacheBytes,
    memtableBytes: settings.writeBufferBytes,
    compression: settings.compression ? "lz4" : "none"
  }
}

/**
 * Runs an Effect without warnings: the store warns about the small memtables that some rows need.
 */
const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Logger.withMinimumLogLevel(effect, LogLevel.Error))

export const openOurs =
  (loops: Partial<Readonly<Record<Kind, EffectLoop>>> = {}, tuning: LsmOptions.Tuning = {}): OpenSession =>
  async (directory, settings) => {
    const [scope, store] = await run(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        return [
          scope,
          yield* Scope.extend(LsmStore.make({ directory, ...optionsOf(settings), ...tuning }), scope)
        ] as const
      })
    )
    return {
      run: (kind, work, course) => run(measure(course, (loops[kind] ?? usualLoops[kind])(store, work))),
      compact: () => run(store.compact()),
      close: () => run(Scope.close(scope, Exit.void))
    }
  }
