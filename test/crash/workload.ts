import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import { Checkpoint, type LsmOptions, type Store, WriteBatch } from "effect-lsm"
import type { Patches } from "../support/openStore.js"
import { SimulatedClock } from "../support/simulated.js"
import { applyTo, type Change, at as contentAt, type Model, retimed } from "./content.js"
import { Journal, quickDisk } from "./journal.js"
import { checkpointDirectory, directory, simulated, withStore } from "./simulation.js"

export type { Change, Model } from "./content.js"

/** A step of a workload. */
export type Step =
  | { readonly _tag: "Batch"; readonly writes: ReadonlyArray<Change> }
  /** Batches written concurrently. */
  | { readonly _tag: "Together"; readonly batches: ReadonlyArray<ReadonlyArray<Change>> }
  | { readonly _tag: "Flush" | "Compact" | "Sync" }
  /** Lets time pass. */
  | { readonly _tag: "Wait"; readonly millis: number }
  /** Gives a value another time to live, or none. */
  | { readonly _tag: "Expire"; readonly key: string; readonly ttl: number | undefined }
  /** Takes a snapshot, and reads it when the store is about to close. */
  | { readonly _tag: "Snapshot" }
  /** Makes a checkpoint, and writes batches meanwhile. */
  | { readonly _tag: "Checkpoint"; readonly batches: ReadonlyArray<ReadonlyArray<Change>>; readonly flush?: boolean }
  /** Closes the store and opens it again, from then on with `tuning` if it is given. */
  | { readonly _tag: "Reopen"; readonly tuning?: LsmOptions.Tuning }

export interface Workload {
  readonly name: string
  readonly tuning: LsmOptions.Tuning
  readonly steps: ReadonlyArray<Step>
  /** Options for the recovery from a crash. Default: `tuning`. */
  readonly recoverWith?: LsmOptions.Tuning
  /** How many microtasks a sync takes while the workload runs. Default 1. */
  readonly syncTurns?: number
  /** The application makes the directory before it opens the store, and does not sync it. */
  readonly madeBefore?: boolean
  /** The clock stands at 0 again when the store recovers, and not at the time of the crash. */
  readonly clockGoesBack?: boolean
  /**
   * What a state costs, relative to the usual one. The share of states to judge is divided by it.
   * Default 1.
   */
  readonly weight?: number
}

/** Whether a workload has values that expire. Then it runs by a clock of its own, which begins at 0. */
export const hasTimes = ({ steps }: Workload): boolean => steps.some(({ _tag }) => _tag === "Wait")

/** What a workload did: every disk operation, and the expected content after each batch. */
export interface Recording {
  readonly events: Journal["events"]
  /** `models[n]` is what the store holds after batch n; `models[0]` is empty. */
  readonly models: ReadonlyArray<Model>
  readonly checkpoints: ReadonlyArray<Copy>
}

/** A checkpoint: it holds the content after one of the batches from `least` to `most`. */
export interface Copy {
  readonly directory: string
  /** The last batch that was acknowledged before the checkpoint began. */
  readonly least: number
  /** The last batch that was submitted before it ended. */
  readonly most: number
}

const batchOf = (writes: ReadonlyArray<Change>): WriteBatch.WriteBatch => {
  const batch = WriteBatch.make()
  for (const [key, value] of writes) {
    if (typeof value === "string") batch.put(key, value)
    else if (value === undefined) batch.delete(key)
    else if ("end" in value) batch.deleteRange({ start: key, end: value.end })
    else batch.put(key, value.value, "ttl" in value ? { ttl: value.ttl } : { expiresAt: value.expiresAt })
  }
  return batch
}

/** Runs a workload on a simulated disk and records what happens. */
export const record = (workload: Workload, patches?: Patches): Effect.Effect<Recording> => {
  const clock = new SimulatedClock()
  return recordBy(workload, clock, patches).pipe(
    hasTimes(workload) ? Effect.withClock(clock.clock) : identity,
    simulated(seedOfName(workload.name))
  )
}

const recordBy = (
  { steps, tuning, syncTurns, madeBefore }: Workload,
  clock: SimulatedClock,
  patches?: Patches
): Effect.Effect<Recording> =>
  Effect.gen(function* () {
    const journal = new Journal()
    const disk = quickDisk(journal.observer, syncTurns)
    const models: Array<Model> = [new Map()]
    const checkpoints: Array<Copy> = []
    let options = tuning
    let isFlushed = true
    if (madeBefore === true) for (const path of [dirname(directory), directory]) disk.makeDirectory(path)
    const kept = Effect.sync(() => journal.mark({ kind: "kept", batch: models.length - 1 }))
    const keptIfSynced = Effect.suspend(() => ((options.durability ?? "sync") === "sync" ? kept : Effect.void))

    const write = (store: Store.Store, writes: ReadonlyArray<Change>) =>
      Effect.suspend(() => {
        submit(applyTo(models.at(-1)!, writes, clock.time))
        return store.write(batchOf(writes))
      })

    const submit = (model: Model): void => {
      models.push(model)
      isFlushed = false
      journal.mark({ kind: "submitted", batch: models.length - 1 })
    }

    /** A flush of something writes the time into the manifest, while values in tables expire. */
    const timed = Effect.sync(() => {
      const living = [...contentAt(models.at(-1)!, clock.time).values()]
      if (!isFlushed && living.some(({ expiresAt }) => Number.isFinite(expiresAt))) {
        journal.mark({ kind: "timed", time: clock.time })
      }
      isFlushed = true
    })

    const checkpoint = (store: Store.Store, { batches, flush }: Extract<Step, { readonly _tag: "Checkpoint" }>) =>
      Effect.suspend(() => {
        const into = checkpointDirectory(checkpoints.length + 1)
        const least = models.length - 1
        const copy = { directory: into, least, most: least + batches.length }
        checkpoints.push(copy)
        const made = Effect.zipRight(
          Checkpoint.make(store, { into, flush }),
          Effect.sync(() => journal.mark({ kind: "checkpointed", checkpoint: checkpoints.length }))
        )
        const writes = Effect.forEach(batches, (batch) => write(store, batch), { discard: true })
        return Effect.zipRight(Effect.all([made, writes], { concurrency: "unbounded" }), keptIfSynced)
      })

    const run = (store: Store.Store, step: Step) => {
      switch (step._tag) {
        case "Batch":
          return Effect.zipRight(write(store, step.writes), keptIfSynced)
        case "Together":
          return Effect.zipRight(
            Effect.forEach(step.batches, (writes) => write(store, writes), { concurrency: "unbounded" }),
            keptIfSynced
          )
        case "Flush":
          return store.flush.pipe(Effect.zipRight(kept), Effect.zipRight(timed))
        case "Compact":
          return Effect.zipRight(store.compact(), kept)
        case "Sync":
          return Effect.zipRight(store.sync, kept)
        case "Snapshot":
          return Effect.flatMap(store.snapshot, (snapshot) => {
            const expected = contentAt(models.at(-1)!, clock.time)
            const read = Effect.map(store.collect({ snapshot }), (entries) => {
              const text = new TextDecoder()
              const found = new Map(entries.map(({ key, value }) => [text.decode(key), text.decode(value)]))
              const isSame = found.size === expected.size && [...expected].every(([k, v]) => found.get(k) === v.value)
              if (!isSame) throw new Error(`a snapshot of ${expected.size} entries has ${found.size}, or other values`)
            })
            return Effect.addFinalizer(() => Effect.orDie(read))
          })
        case "Wait":
          return Effect.sync(() => {
            clock.advance(step.millis)
            journal.mark({ kind: "time", time: clock.time })
          })
        case "Expire":
          return Effect.suspend(() => {
            submit(retimed(models.at(-1)!, step.key, step.ttl, clock.time))
            const { key, ttl } = step
            return ttl === undefined ? store.persist(key) : store.expire(key, { ttl })
          }).pipe(Effect.zipRight(keptIfSynced))
        case "Checkpoint":
          return checkpoint(store, step)
        case "Reopen":
          return Effect.void
      }
    }

    let at = 0
    while (at < steps.length) {
      const next = steps.findIndex((step, i) => i >= at && step._tag === "Reopen")
      const end = next < 0 ? steps.length : next
      const session = steps.slice(at, end)
      yield* withStore(
        disk,
        options,
        (store) => Effect.scoped(Effect.forEach(session, (step) => run(store, step), { discard: true })),
        patches
      ).pipe(Effect.orDie)
      yield* kept
      const reopen = steps[end]
      if (reopen?._tag === "Reopen" && reopen.tuning !== undefined) options = reopen.tuning
      at = end + 1
    }
    return { events: journal.events, models, checkpoints }
  })

/** Gives each workload a store with another id, so that no two workloads share a state. */
const seedOfName = (name: string): number => [...name].reduce((n, letter) => (n * 31 + letter.charCodeAt(0)) >>> 0, 7)
