import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LsmOptions, Store } from "effect-lsm"
import { readManifest } from "../../src/core/manifest/manifestFile.js"
import { isOwnFile } from "../../src/core/manifest/ownFile.js"
import { decodeFileHeader } from "../../src/core/storage/fileHeader.js"
import { currentName, lockName, logName, manifestName, tableName } from "../../src/core/storage/fileNames.js"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { valueFileName } from "../../src/core/values/valueFile.js"
import { replayed } from "../support/feed.js"
import type { Patches } from "../support/openStore.js"
import { type Journal, quickDisk } from "./journal.js"
import { directory, simulated, withStore } from "./simulation.js"
import type { Copy, Model } from "./workload.js"

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
  /** Records what the recovery does. */
  readonly journal?: Journal | undefined
  readonly patches?: Patches | undefined
}

/** An application's file in the store's directory, with a name that the store could have chosen. */
const foreignName = "20240131.log"
const foreign = new TextEncoder().encode("2024-01-31 the application's own log, which is longer than a header")

/** A key after all others. No workload writes it. */
export const probe = "\u{10ffff}probe"

/** The whole content of a store, as text. */
const contents = (store: Store.Store) =>
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

/**
 * Returns what is wrong with the disk that a crash has left, or undefined. The store must
 * - open without help,
 * - hold exactly the content after one of the batches from `kept` to `submitted`,
 * - return the same from lookups as from scans,
 * - have a history that leads to this content, if all of it is kept,
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
  journal,
  patches
}: Case): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const disk = quickDisk(journal?.observer)
    for (const [path, bytes] of files) disk.place(path, bytes)
    disk.place(`${directory}/${foreignName}`, foreign)
    const read = (store: Store.Store) =>
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
    const readWithHistory = (store: Store.Store) =>
      Effect.gen(function* () {
        const all = yield* read(store)
        if (typeof all === "string" || tuning.changeRetention === undefined) return all
        const view = yield* replayed(store)
        view.delete(probe)
        return equal(view, all)
          ? all
          : `the history has ${view.size} entries, or other values, and the store ${all.size}`
      })
    const found = yield* withStore(disk, tuning, readWithHistory, patches)
    if (typeof found === "string") return found
    let match: number | undefined
    for (let n = submitted; n >= kept && match === undefined; n--) if (equal(models[n]!, found)) match = n
    if (match === undefined)
      return `${found.size} entries: not the content after any batch from ${kept} to ${submitted}`
    const readAgain = (store: Store.Store) =>
      Effect.gen(function* () {
        const again = yield* contents(store)
        if (again.get(probe) !== "1") return "a write after recovery was lost"
        again.delete(probe)
        if (!equal(again, found)) return "opening a second time finds other entries"
        const { recovery } = yield* store.stats
        return recovery.orphans.length > 0 ? `the recovery left orphans: ${recovery.orphans.join(" ")}` : undefined
      })
    const fault = (yield* withStore(disk, tuning, readAgain, patches)) ?? leftOver(disk)
    if (fault !== undefined) return fault
    for (const [i, copy] of checkpoints.entries()) {
      const isThere = [...files.keys()].some((path) => path.startsWith(`${copy.directory}/`))
      if (!isThere && i < checkpointed) return `checkpoint ${i + 1} is gone`
      if (!isThere) continue
      const inCopy = yield* withStore(disk, tuning, read, patches, copy.directory)
      if (typeof inCopy === "string") return `checkpoint ${i + 1}: ${inCopy}`
      let isContent = false
      for (let n = copy.least; n <= copy.most && !isContent; n++) isContent = equal(models[n]!, inCopy)
      if (!isContent) return `checkpoint ${i + 1} has ${inCopy.size} entries: not those after any of its batches`
    }
    return undefined
  }).pipe(
    simulated(1),
    Effect.exit,
    Effect.map((exit) => (Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause)))
  )
