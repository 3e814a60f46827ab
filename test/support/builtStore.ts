import { pathToFileURL } from "node:url"
import type { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { builtFile } from "./builtPrograms.js"

/**
 * The built library. Only it has the program of the background thread beside it: a store of the
 * sources works without a thread.
 */
export const builtLibrary = (): Promise<typeof import("effect-lsm")> =>
  import(pathToFileURL(builtFile("index.js")).href)

/** The threads that this process starts from now on, until the scope ends. */
export const startedThreads: Effect.Effect<ReadonlyArray<Worker>, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const threads: Array<Worker> = []
    const add = (thread: Worker) => void threads.push(thread)
    process.on("worker", add)
    return { threads, stop: () => process.off("worker", add) }
  }),
  ({ stop }) => Effect.sync(stop)
).pipe(Effect.map(({ threads }) => threads))
