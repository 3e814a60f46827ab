import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { LsmOptions, Store } from "effect-lsm"
import { readManifest } from "../../src/core/manifest/manifestFile.js"
import { isOwnFile } from "../../src/core/manifest/ownFile.js"
import { decodeFileHeader } from "../../src/core/storage/fileHeader.js"
import { currentName, lockName, logName, manifestName, tableName } from "../../src/core/storage/fileNames.js"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { valueFileName } from "../../src/core/values/valueFile.js"
import { replayed } from "../support/feed.js"
import type { Patches } from "../support/openStore.js"
import { SimulatedClock } from "../support/simulated.js"
import { at, equal, expiries, type Held, type Model } from "./content.js"
import { type Journal, quickDisk } from "./journal.js"
import { directory, simulated, withStore } from "./simulation.js"
import type { Copy } from "./workload.js"

/** A disk to judge, and the contents that recovery may find on it. */
export interface Case {
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Options for the recovery. */
  readonly tuning: LsmOptions.Tuning
  readonly models: ReadonlyArray<Model>
  /** The last batch that was acknowledged as durable. */
  readonly kept: number
  /** The last batch that was submitted. */
  readonly submitted: number
  readonly checkpoints: ReadonlyArray<Copy>
  /** How many of them were complete. */
  readonly checkpointed: number
  /** Set if values expire: what the clock said at the crash, what the store has recorded, and what it says now. */
  readonly clock?: { readonly crashedAt: number; readonly timed: number; readonly recoversAt: number } | undefined
  /** Records what the recovery does. */
  readonly journal?: Journal | undefined
  readonly patches?: Patches | undefined
}

/** An application's file in the store's directory, with a name that the store could have chosen. */
const foreignName = "20240131.log"
const foreign = new TextEncoder().encode("2024-01-31 the application's own log, which is longer than a header")

/** A key after all others. No workload writes it. */
export const probe = "\u{10ffff}probe"

/** The whole content of a store, as text. `withTimes` asks when each value expires. */
const contents = (store: Store.Store, withTimes: boolean) =>
  Effect.gen(function* () {
    const text = new TextDecoder()
    const found = new Map<string, Held>()
    const cursor = yield* store.cursor()
    for (;;) {
      const entries = yield* cursor.take(1000)
      if (entries.length === 0) return found
      for (const { key, value } of entries) {
        const time = withTimes ? yield* store.expiresAt(key) : Option.none()
        const expiresAt = Option.getOrElse(time, () => Number.POSITIVE_INFINITY)
        found.set(text.decode(key), { value: text.decode(value), expiresAt })
      }
    }
  }).pipe(Effect.scoped)

/**
 * Reports files of a closed store that its manifest does not name, and named files that are
 * missing. Also reports a change to the application's file.
 */
const leftOver = (disk: MemoryDisk): string | undefined => {
  const files = disk.contents()
  const kept = files.get(`${directory}/${foreignName}`)
  if (kept === undefined || Buffer.compare(kept, foreign) !== 0)
    return `the application's file ${foreignName} was changed`
  const path = `${directory}/${currentName}`
  const { fileNumber, storeId } = decodeFileHeader(files.get(path)!, "current", path)
  const manifest = `${directory}/${manifestName(fileNumber)}`
  const { state } = readManifest(files.get(manifest)!, fileNumber, storeId, manifest)
  const { nextFileNumber } = state
  const named = new Set([
    currentName,
    manifestName(fileNumber),
    ...state.segments.map(logName),
    ...[...state.version.valueFiles.values()].map(valueFileName),
    ...state.version.levels.flatMap((tables) => tables.map((table) => tableName(table.fileNumber)))
  ])
  const names = disk.list(directory).filter((name) => name !== lockName && name !== foreignName)
  // A file with garbage for a header may belong to the application, so the store leaves it.
  const isLeft = (name: string) => !named.has(name) && isOwnFile(disk, directory, name, { storeId, nextFileNumber })
  const odd = [...names.filter(isLeft), ...[...named].filter((name) => !names.includes(name))]
  return odd.length === 0 ? undefined : `in the manifest or on disk, but not both: ${odd.join(" ")}`
}

const clockAt = (time: number): SimulatedClock => {
  const clock = new SimulatedClock()
  clock.advance(time)
  return clock
}

/** The times at which a recovered store may be: none before one that it has recorded. */
const timesOf = ({ crashedAt, recoversAt, timed }: NonNullable<Case["clock"]>, model: Model) => {
  const least = Math.max(recoversAt, timed)
  return [least, ...expiries(model).filter((time) => time > least && time <= crashedAt)]
}

/** Waits until the first value expires, and until the last one has, and compares what is there. */
const faultOfTime = (store: Store.Store, content: Model, clock: SimulatedClock) =>
  Effect.gen(function* () {
    const times = expiries(content)
    const [first, last] = [times[0], times.at(-1)]
    if (first === undefined || last === undefined) return undefined
    for (const time of [first - 1, first, last - 1, last]) {
      clock.advance(Math.max(0, time - clock.time))
      const found = yield* contents(store, true)
      found.delete(probe)
      const due = at(content, clock.time)
      if (!equal(found, due)) return `at ${clock.time} there are ${found.size} entries, or other times, not ${due.size}`
    }
    return undefined
  })

/**
 * Returns what is wrong with the disk that a crash has left, or undefined. The store must
 * - open without help,
 * - hold exactly the content after one of the batches from `kept` to `submitted`,
 * - return the same from lookups as from scans,
 * - have a history that leads to this content, if all of it is kept,
 * - give each value the time at which it expires, and have it until then and not after it,
 * - take writes,
 * - hold all of this when opened again,
 * - leave exactly the files that its manifest names.
 *
 * A checkpoint must be absent, unless it was complete, or a whole store with such a content.
 */
export const judge = ({
  files,
  tuning,
  models,
  kept,
  submitted,
  checkpoints,
  checkpointed,
  clock,
  journal,
  patches
}: Case): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const disk = quickDisk(journal?.observer)
    for (const [path, bytes] of files) disk.place(path, bytes)
    disk.place(`${directory}/${foreignName}`, foreign)
    const isTimed = clock !== undefined
    const opened = <A, E>(
      time: SimulatedClock,
      use: (store: Store.Store) => Effect.Effect<A, E>,
      directory?: string
    ) => {
      const run = withStore(disk, tuning, use, patches, directory)
      return isTimed ? Effect.withClock(run, time.clock) : run
    }
    const now = clockAt(clock?.recoversAt ?? 0)
    const read = (store: Store.Store) =>
      Effect.gen(function* () {
        const all = yield* contents(store, isTimed)
        const keys = [...(models[submitted] ?? new Map()).keys()]
        const looked = yield* store.getMany(keys)
        for (const [i, value] of looked.entries()) {
          const text = value._tag === "Some" ? new TextDecoder().decode(value.value) : undefined
          const scanned = all.get(keys[i]!)?.value
          if (text !== scanned) return `a lookup of ${keys[i]} finds ${text}, a scan ${scanned}`
        }
        yield* store.put(probe, "1", { durability: "sync" })
        return all
      })
    const readWithHistory = (store: Store.Store) =>
      Effect.gen(function* () {
        const all = yield* read(store)
        if (typeof all === "string" || tuning.changeRetention === undefined) return all
        const view = yield* replayed(store)
        view.delete(probe)
        // The history has values that have expired too.
        const isSame = [...all].every(([key, { value }]) => view.get(key) === value)
        return isSame && (isTimed || view.size === all.size)
          ? all
          : `the history has ${view.size} entries, or other values, and the store ${all.size}`
      })
    const readAndWait = (store: Store.Store) =>
      Effect.gen(function* () {
        const all = yield* readWithHistory(store)
        return typeof all === "string" ? all : ((yield* faultOfTime(store, all, now)) ?? all)
      })
    const found = yield* opened(now, isTimed ? readAndWait : readWithHistory)
    if (typeof found === "string") return found
    const isContentOf = (least: number, most: number) => (content: Model) => {
      for (let n = most; n >= least; n--) {
        const model = models[n]!
        if (
          clock === undefined ? equal(model, content) : timesOf(clock, model).some((t) => equal(at(model, t), content))
        )
          return true
      }
      return false
    }
    if (!isContentOf(kept, submitted)(found))
      return `${found.size} entries: not the content after any batch from ${kept} to ${submitted}`
    const lasting = at(found, now.time)
    const readAgain = (store: Store.Store) =>
      Effect.gen(function* () {
        const again = yield* contents(store, isTimed)
        if (again.get(probe)?.value !== "1") return "a write after recovery was lost"
        again.delete(probe)
        if (!equal(again, lasting)) return "opening a second time finds other entries"
        if (isTimed) {
          yield* store.compact()
          const compacted = yield* contents(store, true)
          compacted.delete(probe)
          if (!equal(compacted, lasting)) return "a compaction after the recovery changes the entries"
        }
        const { recovery } = yield* store.stats
        return recovery.orphans.length > 0 ? `the recovery left orphans: ${recovery.orphans.join(" ")}` : undefined
      })
    const fault = (yield* opened(now, readAgain)) ?? leftOver(disk)
    if (fault !== undefined) return fault
    for (const [i, copy] of checkpoints.entries()) {
      const isThere = [...files.keys()].some((path) => path.startsWith(`${copy.directory}/`))
      if (!isThere && i < checkpointed) return `checkpoint ${i + 1} is gone`
      if (!isThere) continue
      const inCopy = yield* opened(clockAt(clock?.recoversAt ?? 0), read, copy.directory)
      if (typeof inCopy === "string") return `checkpoint ${i + 1}: ${inCopy}`
      if (!isContentOf(copy.least, copy.most)(inCopy))
        return `checkpoint ${i + 1} has ${inCopy.size} entries: not those after any of its batches`
    }
    return undefined
  }).pipe(
    simulated(1),
    Effect.exit,
    Effect.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause)))
  )
