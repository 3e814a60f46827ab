import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { seeded } from "../../src/core/simulation/random.js"
import { turn } from "../support/eventually.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { type Child, start } from "./child.js"
import { Ledger } from "./ledger.js"
import { copyStore } from "./races.js"
import { contentOf, withStore } from "./store.js"

export interface Tally {
  cycles: number
  /** Cycles that ended by closing the store. */
  closed: number
  /** Cycles in which the writer was killed while it opened the store, or soon after. */
  whileOpening: number
  /**
   * Cycles after which this process checked the store. After the others the next writer opens it.
   */
  checked: number
  copied: number
  acknowledged: number
  readonly faults: Array<string>
}

/** How a writer may open the store: without a thread, and with each kind of thread. */
const manners = ["open", "open with a thread", "open with CompactionWorker"]

/** How many acknowledgements to await at most before a writer is killed. */
const most = 400

/**
 * Runs cycles of a writer that is killed at a random moment while it reports acknowledged batches.
 * The store that it leaves is checked, copied and checked, or just opened by the next writer. The
 * next writer continues with the same store.
 */
export const runCycles = (program: string, cycles: number, seed: number): Effect.Effect<Tally, never, Scope.Scope> =>
  Effect.gen(function* () {
    const random = seeded(seed)
    const below = (n: number) => Math.floor(random() * n)
    const home = yield* temporaryDirectory
    const directory = join(home, "store")
    mkdirSync(directory)
    const ledger = new Ledger()
    const tally: Tally = { cycles: 0, closed: 0, whileOpening: 0, checked: 0, copied: 0, acknowledged: 0, faults: [] }
    const note = (what: string, fault: string | undefined) => {
      if (fault !== undefined) tally.faults.push(`cycle ${tally.cycles}, ${what}: ${fault}`)
    }
    /** Started ahead: the next writer gets ready while this one works. */
    const scope = yield* Effect.scope
    const startWriter = Scope.extend(start(program, "write", directory), scope)
    let next = yield* startWriter

    const check = (what: string, where: string, ...beside: ReadonlyArray<string>): Effect.Effect<void> =>
      withStore(where, (store) =>
        Effect.gen(function* () {
          note(what, ledger.faultOf(yield* contentOf(store)))
          const [second] = beside
          if (second !== undefined) yield* check(`the original, opened beside ${what}`, second)
        })
      ).pipe(Effect.catchAll((error) => Effect.sync(() => note(what, `${error._tag}: ${error.message}`))))

    /**
     * Takes lines until the writer has reported `until` acknowledgements. Returns false if it exits
     * before.
     */
    const follow = (child: Child, until: number): Effect.Effect<boolean> =>
      Effect.gen(function* () {
        for (let kept = 0; kept < until; ) {
          const line = yield* child.line
          if (line === "" || line.startsWith("failed")) {
            note("the writer", line === "" ? "it exited" : line)
            return false
          }
          if (line.startsWith("open ")) {
            note("opened by the writer", ledger.faultOfMarkers(line.split(" ").slice(1).map(Number)))
          }
          ledger.take(line)
          if (line.startsWith("kept")) kept++
        }
        return true
      })

    const cycle = Effect.gen(function* () {
      const child = next
      next = yield* startWriter
      yield* child.line
      yield* child.order(manners[below(manners.length)]!)
      const manner = below(10)
      if (manner === 0) {
        // Kill it while it opens the store.
        yield* child.line
        for (let turns = below(200); turns > 0; turns--) yield* turn
        yield* child.kill
        tally.whileOpening++
      } else if (yield* follow(child, below(most))) {
        if (manner === 1) {
          yield* child.order("close")
          let line = yield* child.line
          for (; line !== "closed" && line !== ""; line = yield* child.line) ledger.take(line)
          note("closing", line === "closed" ? undefined : "it did not close")
          tally.closed++
        } else {
          yield* child.kill
        }
      }
      for (const line of yield* child.rest) {
        if (line.startsWith("open ")) {
          note("opened by the writer", ledger.faultOfMarkers(line.split(" ").slice(1).map(Number)))
        }
        ledger.take(line)
      }
      yield* child.kill
      if (below(8) === 0) {
        const copy = join(home, "copy")
        copyStore(directory, copy)
        // Both recover the same content from the same bytes, independently.
        yield* check("a copy", copy, directory)
        rmSync(copy, { recursive: true })
        tally.copied++
      } else if (below(2) === 0) {
        yield* check(manner === 1 ? "after closing" : "after a kill", directory)
        tally.checked++
      }
      tally.cycles++
    })

    while (tally.cycles < cycles && tally.faults.length < 5) yield* cycle
    yield* next.kill
    yield* check("at the end", directory)
    tally.acknowledged = ledger.acknowledged
    return tally
  })
