import { Console, Effect } from "effect"
import { LsmStore } from "effect-lsm"
import * as Format from "./format.js"

export interface Figures<A> {
  /** How many things the step handled, for a rate. */
  readonly count?: (result: A) => number
  /** One line on what the figures mean. */
  readonly meaning?: string
}

/** Prints what a step did, how long it took, how many a second that is, and what it means. */
export const step = <A, E, R>(
  describe: (result: A) => string,
  effect: Effect.Effect<A, E, R>,
  { count, meaning }: Figures<A> = {}
) =>
  Effect.gen(function* () {
    const [took, result] = yield* Effect.timed(effect)
    const handled = count?.(result)
    const rate = handled ? `, ${Format.rate(handled, took)} a second` : ""
    yield* Console.log(`${describe(result)} (${Format.duration(took)}${rate})`)
    if (meaning !== undefined && handled !== 0) yield* Console.log(`  ${meaning}`)
    return result
  })

/** Prints the levels, sizes and amplification of the store, and what they mean. */
export const printStats = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const { levels, tables, tableBytes, memory, log, written, amplification } = yield* store.stats
  const lines = levels
    .filter((level) => level.tables > 0)
    .map(
      (level) =>
        `  level ${level.level}: ${level.tables} tables, ${Format.bytes(level.bytes)}, ` +
        `${Format.number(level.entries)} entries of which ${Format.number(level.deletions)} deletions`
    )
  lines.push(
    `  in all ${tables} tables, ${Format.bytes(tableBytes)}; memtables ${Format.bytes(memory.activeMemtable + memory.frozenMemtables)}, ` +
      `log ${log.segments} segments`,
    `  written since opening: by us ${Format.bytes(written.user)}, to the log ${Format.bytes(written.log)}, ` +
      `by flushes ${Format.bytes(written.flush)}, by compactions ${Format.bytes(written.compaction)}`,
    `  amplification: write ${amplification.write.toFixed(2)}, read ${amplification.read}, space ${amplification.space.toFixed(2)}`,
    "  bytes written for each byte handed in since opening; places that a get may search; bytes on disk for each byte that is needed"
  )
  yield* Console.log(lines.join("\n"))
})
