import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { type LsmOptions, LsmStore } from "effect-lsm"
import { extremes, tinyLevels } from "./support/configurations.js"
import { type Command, commands, Run } from "./support/model.js"
import { disk, memory, type Place } from "./support/places.js"

/** Runs commands against a store and its model, which must agree after each. */
const check = (place: Effect.Effect<Place, never, Scope.Scope>, tuning: LsmOptions.Tuning, program: Array<Command>) =>
  Effect.gen(function* () {
    const { open } = yield* place
    let scope = yield* Scope.make()
    const start = Effect.suspend(() =>
      Effect.map(Layer.buildWithScope(open(tuning), scope), Context.get(LsmStore.LsmStore))
    )
    const run = new Run(yield* start)
    yield* Effect.addFinalizer(() => Effect.suspend(() => Scope.close(scope, Exit.void)))
    for (const command of program) {
      if (command._tag === "Reopen") {
        yield* run.forget
        yield* Scope.close(scope, Exit.void)
        scope = yield* Scope.make()
        run.store = yield* start
      } else {
        yield* run.perform(command)
      }
    }
    yield* run.compareAll
    yield* run.forget
  })

const suites: ReadonlyArray<
  readonly [name: string, place: Effect.Effect<Place, never, Scope.Scope>, tuning: LsmOptions.Tuning, runs: number]
> = [
  ["in memory", memory, {}, 25],
  ["in memory, many levels", memory, { ...tinyLevels, tableBytes: 100, level1Bytes: 200 }, 25],
  ["in memory, one entry a memtable, block and table", memory, { ...tinyLevels, blockBytes: 1, tableBytes: 1 }, 15],
  ["in memory, no cache, one open table", memory, { ...tinyLevels, blockCacheBytes: 0, maxOpenTables: 1 }, 12],
  ["in memory, one table at level 0", memory, { ...tinyLevels, level0Tables: 1 }, 12],
  ["in memory, interval", memory, extremes["interval"]!, 15],
  ["on disk", disk, {}, 6],
  ["on disk, many levels", disk, tinyLevels, 5]
]

describe("a store behaves as a sorted map", () => {
  for (const [name, place, tuning, numRuns] of suites) {
    it.scoped.prop(
      name,
      [fc.array(commands, { minLength: 1, maxLength: 60, size: "max" })],
      ([program]) => Effect.scoped(check(place, tuning, program)),
      { fastCheck: { numRuns, seed: 20_260_101 }, timeout: 60_000 }
    )
  }
})
