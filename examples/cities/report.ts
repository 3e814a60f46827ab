import { Console, Effect } from "effect"
import { LsmStore } from "effect-lsm"
import * as Format from "./format.js"

/** Prints what a step did and how long it took. */
export const step = <A, E, R>(describe: (result: A) => string, effect: Effect.Effect<A, E, R>) =>
  Effect.timed(effect).pipe(
    Effect.flatMap(([took, result]) => Effect.as(Console.log(`${describe(result)} (${Format.duration(took)})`), result))
  )

/** Prints the levels, sizes and amplification of the store. */
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
    `  amplification: write ${amplification.write.toFixed(2)}, read ${amplification.read}, space ${amplification.space.toFixed(2)}`
  )
  yield* Console.log(lines.join("\n"))
})
