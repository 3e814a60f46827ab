import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as ClusterStorage from "@effect/cluster/MessageStorage"
import * as ShardId from "@effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { LsmStore } from "effect-lsm"
import * as MessageStorage from "effect-lsm/MessageStorage"
import { seeded } from "../../src/core/simulation/random.js"
import { bundleOf, Child } from "../kill/child.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { Results } from "./results.js"

export interface Tally {
  /** Processes that were killed. */
  killed: number
  /** Those of them that were killed before they had opened the store. */
  early: number
  /** Processes that had finished before they were killed. */
  finished: number
  /** Workflows, each with a job. */
  orders: number
  readonly faults: Array<string>
}

/** How many orders each process adds to those of the processes before it. */
const more = 2

/** The longest time between the first sign of a process and its end, in milliseconds. Some have finished by then. */
const longest = 1500

/** For how long the last process may run before it counts as one that never finishes. */
const patience = "90 seconds"

const start = (program: string, directory: string, orders: number): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const env = { ...process.env, DIRECTORY: directory, ORDERS: String(orders) }
      return new Child(spawn(process.execPath, [program], { env, stdio: ["pipe", "pipe", "inherit"] }))
    }),
    (child) => child.kill
  )

/**
 * Kills the example at random moments, each time with a few orders more. Then lets it run to its end,
 * and compares what it and all before it have printed with each other and with what the store holds.
 */
export const runKills = (kills: number, seed: number): Effect.Effect<Tally, never, Scope.Scope> =>
  Effect.gen(function* () {
    const random = seeded(seed)
    const program = yield* bundleOf(fileURLToPath(new URL("../../examples/durable-workflow.ts", import.meta.url)))
    const directory = yield* temporaryDirectory
    const results = new Results()
    const tally: Tally = { killed: 0, early: 0, finished: 0, orders: 0, faults: results.faults }

    for (let i = 0; i < kills; i++) {
      tally.orders += more
      yield* Effect.scoped(
        Effect.gen(function* () {
          const child = yield* start(program, directory, tally.orders)
          const isEarly = random() < 0.2
          if (!isEarly) results.take(yield* child.line)
          yield* Effect.sleep(random() * longest)
          yield* child.kill
          const lines = yield* child.rest
          for (const line of lines) results.take(line)
          tally.killed++
          if (isEarly && !lines.includes("started")) tally.early++
          if (lines.some((line) => line.startsWith("finished"))) tally.finished++
        })
      )
    }
    const last = yield* start(program, directory, tally.orders)
    yield* Effect.gen(function* () {
      for (let line = yield* last.line; line !== ""; line = yield* last.line) results.take(line)
    }).pipe(Effect.timeoutOption(patience))
    yield* last.kill
    results.checkAll(tally.orders)
    yield* Effect.provide(
      Effect.gen(function* () {
        const store = yield* LsmStore.LsmStore
        for (let order = 1; order <= tally.orders; order++) {
          const letter = yield* store.getString(`letter:${order}`)
          results.checkLetter(order, letter._tag === "Some" ? letter.value : "none")
        }
        const storage = yield* ClusterStorage.MessageStorage
        const shards = Array.from({ length: 30 }, (_, shard) => ShardId.make("default", shard + 1))
        const left = yield* storage.unprocessedMessages(shards)
        if (left.length > 0) results.faults.push(`${left.length} messages wait at the end`)
      }),
      Layer.provideMerge(MessageStorage.layer(), LsmStore.layer({ directory }))
    ).pipe(Effect.catchAll((error) => Effect.sync(() => void results.faults.push(`at the end: ${error.message}`))))
    return tally
  })
