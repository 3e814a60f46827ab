import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import {
  Compactor,
  type LsmOptions,
  LsmStore,
  Manifest,
  Memtable,
  Metrics,
  SSTableStore,
  Storage,
  Wal,
  WriteBatch
} from "effect-lsm"
import type { MemoryDisk } from "../../src/internal/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { Journal, quickDisk } from "./journal.js"

/** One thing that a workload does. A batch's undefined value is a delete. */
export type Step =
  | { readonly _tag: "Batch"; readonly writes: ReadonlyArray<readonly [string, string | undefined]> }
  /** Batches handed in at the same time. */
  | { readonly _tag: "Together"; readonly batches: ReadonlyArray<ReadonlyArray<readonly [string, string | undefined]>> }
  | { readonly _tag: "Flush" | "Compact" | "Sync" | "Reopen" }

export interface Workload {
  readonly name: string
  readonly tuning: LsmOptions.Tuning
  readonly steps: ReadonlyArray<Step>
}

export type Model = ReadonlyMap<string, string>

/** What a workload did: every disk operation, and the contents due after each batch. */
export interface Recording {
  readonly events: Journal["events"]
  /** `models[n]` is what the store holds after batch n; `models[0]` is empty. */
  readonly models: ReadonlyArray<Model>
}

export const directory = "/store"

/** Components made to misbehave, for mutants. */
export interface Patches {
  readonly storage?: (storage: Storage.StorageService) => Storage.StorageService
  readonly manifest?: (manifest: Manifest.ManifestService) => Manifest.ManifestService
  readonly wal?: (wal: Wal.WalService) => Wal.WalService
  readonly memtable?: (memtable: Memtable.MemtableService) => Memtable.MemtableService
  readonly tables?: (tables: SSTableStore.SSTableStoreService) => SSTableStore.SSTableStoreService
}

const same = <A>(service: A): A => service

/**
 * Runs `use` with a store on a simulated disk. The components are made one after the other: building layers takes several
 * times as long as opening the store, and there are many to open.
 */
export const withStore = <A, E>(
  disk: MemoryDisk,
  tuning: LsmOptions.Tuning,
  use: (store: LsmStore.Store) => Effect.Effect<A, E>,
  patches: Patches = {}
) =>
  Effect.gen(function* () {
    const options = { ...tuning, directory, name: "crash" }
    const { storage = same, manifest = same, wal = same, memtable = same, tables = same } = patches
    const base = Context.make(Storage.Storage, storage(fromMemoryDisk(disk)))
    const lower = base.pipe(
      Context.add(Metrics.Metrics, yield* Metrics.make(options)),
      Context.add(Manifest.Manifest, manifest(yield* Effect.provide(Manifest.make(options), base))),
      Context.add(Wal.Wal, wal(yield* Effect.provide(Wal.make(options), base))),
      Context.add(Memtable.Memtable, memtable(yield* Memtable.make(options))),
      Context.add(SSTableStore.SSTableStore, tables(yield* Effect.provide(SSTableStore.make(options), base)))
    )
    const all = Context.add(lower, Compactor.Compactor, yield* Effect.provide(Compactor.make(options), lower))
    return yield* use(yield* Effect.provide(LsmStore.makeFromComponents(options), all))
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None))

const applyTo = (model: Model, writes: ReadonlyArray<readonly [string, string | undefined]>): Model => {
  const next = new Map(model)
  for (const [key, value] of writes) {
    if (value === undefined) next.delete(key)
    else next.set(key, value)
  }
  return next
}

const batchOf = (writes: ReadonlyArray<readonly [string, string | undefined]>): WriteBatch.WriteBatch => {
  const batch = WriteBatch.make()
  for (const [key, value] of writes) {
    if (value === undefined) batch.delete(key)
    else batch.put(key, value)
  }
  return batch
}

/** Runs a workload on a simulated disk and records what happens. */
export const record = ({ steps, tuning }: Workload, patches?: Patches): Effect.Effect<Recording> =>
  Effect.gen(function* () {
    const journal = new Journal()
    const disk = quickDisk(journal.observer)
    const models: Array<Model> = [new Map()]
    const isSync = (tuning.durability ?? "sync") === "sync"
    const kept = Effect.sync(() => journal.mark({ kind: "kept", batch: models.length - 1 }))

    const write = (store: LsmStore.Store, writes: ReadonlyArray<readonly [string, string | undefined]>) =>
      Effect.suspend(() => {
        models.push(applyTo(models.at(-1)!, writes))
        journal.mark({ kind: "submitted", batch: models.length - 1 })
        return store.write(batchOf(writes))
      })

    const run = (store: LsmStore.Store, step: Step) => {
      switch (step._tag) {
        case "Batch":
          return Effect.zipRight(write(store, step.writes), isSync ? kept : Effect.void)
        case "Together":
          return Effect.zipRight(
            Effect.forEach(step.batches, (writes) => write(store, writes), { concurrency: "unbounded" }),
            isSync ? kept : Effect.void
          )
        case "Flush":
          return Effect.zipRight(store.flush, kept)
        case "Compact":
          return Effect.zipRight(store.compact(), kept)
        case "Sync":
          return Effect.zipRight(store.sync, kept)
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
        tuning,
        (store) => Effect.forEach(session, (step) => run(store, step), { discard: true }),
        patches
      ).pipe(Effect.orDie)
      yield* kept
      at = end + 1
    }
    return { events: journal.events, models }
  })

/** The whole content of a store, as text. */
const contents = (store: LsmStore.Store) =>
  Effect.gen(function* () {
    const text = new TextDecoder()
    const found = new Map<string, string>()
    const cursor = yield* store.cursor()
    for (;;) {
      const entries = yield* cursor.take(1000)
      if (entries.length === 0) return found
      for (const { key, value } of entries) found.set(text.decode(key), text.decode(value))
    }
  }).pipe(Effect.scoped)

const equal = (a: Model, b: Model): boolean => {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}

/**
 * What is wrong with the disk that a crash has left, or undefined. It must open without help; hold exactly what some batch from the
 * last kept to the last submitted left; answer lookups like scans; take writes; and hold all that when opened again, with nothing left over.
 */
export const judge = (
  files: ReadonlyMap<string, Uint8Array>,
  tuning: LsmOptions.Tuning,
  models: ReadonlyArray<Model>,
  kept: number,
  submitted: number,
  journal?: Journal,
  patches?: Patches
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const disk = quickDisk(journal?.observer)
    disk.makeDirectory(directory)
    for (const [path, bytes] of files) disk.place(path, bytes)
    const probe = "\u{10ffff}probe"
    const read = (store: LsmStore.Store) =>
      Effect.gen(function* () {
        const all = yield* contents(store)
        const keys = [...(models[submitted] ?? new Map()).keys()]
        const looked = yield* store.getMany(keys)
        for (const [i, value] of looked.entries()) {
          const text = value._tag === "Some" ? new TextDecoder().decode(value.value) : undefined
          if (text !== all.get(keys[i]!)) return `a lookup of ${keys[i]} finds ${text}, a scan ${all.get(keys[i]!)}`
        }
        yield* store.put(probe, "1", { durability: "sync" })
        return all
      })
    const found = yield* withStore(disk, tuning, read, patches)
    if (typeof found === "string") return found
    let match: number | undefined
    for (let n = submitted; n >= kept && match === undefined; n--) if (equal(models[n]!, found)) match = n
    if (match === undefined) {
      return `${found.size} entries, which no batch from ${kept} to ${submitted} left`
    }
    const readAgain = (store: LsmStore.Store) =>
      Effect.gen(function* () {
        const again = yield* contents(store)
        if (again.get(probe) !== "1") return "a write after recovery was lost"
        again.delete(probe)
        if (!equal(again, found)) return "opening a second time finds something else"
        const { recovery, tables, log } = yield* store.stats
        if (recovery.orphans.length > 0) return `left over: ${recovery.orphans.join(" ")}`
        const names = disk.list(directory)
        const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length
        const tidy = count(/\.sst$/) === tables && count(/\.log$/) >= log.segments && count(/MANIFEST/) === 1
        return tidy && count(/tmp/) === 0 ? undefined : `left over among ${names.join(" ")}`
      })
    return yield* withStore(disk, tuning, readAgain, patches)
  }).pipe(
    Effect.exit,
    Effect.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause)))
  )
