import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmStore, type Maintenance, Storage, type Store } from "effect-lsm"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { quickDisk } from "../crash/journal.js"
import { directory, withStore } from "../crash/simulation.js"
import { pairs } from "../support/bytes.js"
import { faultOfSalvage } from "../support/history.js"
import { expiryOf } from "../support/rangedHistory.js"
import type { Damage } from "./damages.js"
import type { Files, Image } from "./image.js"
import { judge, type Told, type Verdict } from "./judge.js"
import { outcomeOf } from "./operations.js"
import { rangedQuiet } from "./rangedImages.js"
import { frameOffsets } from "./rules.js"

const diskOf = (files: Files): MemoryDisk => {
  const disk = quickDisk()
  for (const [path, bytes] of files) disk.place(path, bytes.slice())
  return disk
}

const storageOf = (disk: MemoryDisk): Layer.Layer<Storage.Storage> =>
  Layer.succeed(Storage.Storage, fromMemoryDisk(disk))

/** Whether all damaged files have such names. */
const isOnlyIn = ({ paths }: Damage, pattern: RegExp): boolean => paths.every((path) => pattern.test(path))

/**
 * Returns what is wrong with what verification and each way to recover make of a damage, or undefined.
 * `image` has a past. `strict` is the verdict on the store that was opened as usual.
 */
export const recoveryFault = (image: Image, damage: Damage, strict: Verdict): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const files = damage.apply()
    const verified = yield* verify(files)
    if (typeof verified === "string") return `verify: ${verified}`
    const hidden = hiddenFault(image, damage, strict, verified)
    if (hidden !== undefined) return `verify: ${hidden}`
    const cutOff = yield* pointInTimeFault(image, damage, files, strict)
    if (cutOff !== undefined) return `point in time: ${cutOff}`
    const salvaged = yield* salvageFault(image, damage, files, verified)
    if (salvaged !== undefined) return `salvage: ${salvaged}`
    const repaired = yield* repairFault(image, damage, files, verified)
    return repaired === undefined ? undefined : `repair: ${repaired}`
  })

interface Found {
  readonly errors: number
  readonly notices: number
}

const verify = (files: Files): Effect.Effect<Found | string> =>
  Effect.gen(function* () {
    const disk = diskOf(files)
    const exit = yield* LsmStore.verifyFromStorage({ directory }).pipe(
      Stream.runCollect,
      Effect.provide(storageOf(disk)),
      Effect.exit
    )
    // Verification goes on after damage.
    if (Exit.isFailure(exit)) return outcomeOf(exit, files).fault ?? "is refused"
    const last = [...exit.value].at(-1)
    return last?._tag === "Verified" ? { errors: last.errors, notices: last.notices } : "does not end"
  })

/** Whatever reading finds, verification finds. It also finds what no read needs. */
const hiddenFault = (image: Image, damage: Damage, strict: Verdict, { errors, notices }: Found): string | undefined => {
  switch (strict._tag) {
    case "Refused":
      return errors > 0 ? undefined : "finds no error, but reading does"
    case "Earlier":
      return errors + notices > 0 || !strict.reported ? undefined : "does not tell of the records that are dropped"
    case "Right":
      return errors + notices > 0 || isHarmless(image, damage) ? undefined : "finds nothing"
    case "Fault":
      return undefined
  }
}

/** Whether damage changes nothing, or only bytes with no meaning: the room that a log has not used yet. */
const isHarmless = ({ files }: Image, damage: Damage): boolean =>
  damage.paths.every((path) => {
    const bytes = files.get(path)!
    if (Buffer.compare(bytes, damage.apply().get(path) ?? new Uint8Array(0)) === 0) return true
    if (path.endsWith("CURRENT")) return damage.kind === "extended"
    return path.endsWith(".log") && damage.offset >= frameOffsets(bytes).at(-1)!
  })

/** The log may end earlier, if it is damaged, but not before the damaged record. */
const pointInTimeFault = (
  image: Image,
  damage: Damage,
  files: Files,
  strict: Verdict
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const told: Told = { isCut: true }
    const options = { ...rangedQuiet, recovery: "pointInTime" as const }
    const verdict = yield* judge(image, files, options, told)
    switch (verdict._tag) {
      case "Fault":
        return verdict.what
      case "Right":
        return undefined
      case "Refused": {
        // The rest of the log is sound, and so are tables and manifest.
        if (isOnlyIn(damage, /\.log$/) && damage.kind !== "swapped") return `refuses ${[...verdict.named]}`
        return strict._tag === "Refused" ? undefined : "is refused, but opening as usual is not"
      }
      case "Earlier": {
        if (isOnlyIn(damage, /\.(sst|val)$|CURRENT$/)) return `content after batch ${verdict.batch}`
        const isSilent = strict._tag === "Earlier" && !strict.reported
        if (!verdict.reported && !isSilent) return "records are dropped and not reported"
        const least = lastBefore(image, damage)
        return verdict.batch < least ? `content after batch ${verdict.batch}, but ${least} is whole` : undefined
      }
    }
  })

/** The last batch that is before the damage. Each frame of the log has one, but for the first of a segment. */
const lastBefore = ({ files, models }: Image, damage: Damage): number => {
  let batch = models.length - 1
  const segments = [...files.keys()].filter((path) => path.endsWith(".log")).sort()
  for (const path of segments.reverse()) {
    const offsets = frameOffsets(files.get(path)!)
    const batches = Math.max(0, offsets.length - 2)
    const first = batch - batches
    if (damage.paths.includes(path)) {
      const whole = offsets.filter(
        (offset, i) => i > 1 && offset <= (damage.paths.length > 1 ? 0 : damage.offset)
      ).length
      batch = first + whole
    } else if (damage.paths.some((other) => other.endsWith(".log") && other < path)) batch = first
  }
  // A damaged manifest may lose its last edits, and with them segments.
  return damage.paths.every((path) => path.endsWith(".log")) ? batch : 0
}

const contentOf = (store: Store.Store) =>
  Effect.gen(function* () {
    const found = yield* pairs(store.scan())
    for (const [key, value] of found) {
      const time = Option.getOrUndefined(yield* store.expiresAt(key))
      if (time !== expiryOf(value)) return `${key} expires at ${time}: ${value}`
    }
    return found
  })

/** All that is missing or older must be told, and nothing may be there that was not written. */
const keptFault = (
  { files, past }: Image,
  damage: Damage,
  found: ReadonlyArray<readonly [string, string]>,
  lost: ReadonlyArray<Maintenance.Damage>
): string | undefined => {
  const { floors, values } = past!
  const fault = faultOfSalvage({ files, values }, found, lost)
  if (fault !== undefined || !isOnlyIn(damage, /\.(sst|val)$/)) return fault
  // The manifest knows all deletions of ranges that are in tables.
  for (const [key, value] of found) {
    if (values.get(key)!.lastIndexOf(value) < (floors.get(key) ?? 0)) return `${key} is ${value} again`
  }
  return undefined
}

const refusalFault = (exit: Exit.Exit<unknown, unknown>, damage: Damage, files: Files): string | undefined => {
  const { fault, named } = outcomeOf(exit, files)
  return fault ?? (named.some((file) => damage.paths.includes(file)) ? undefined : `names ${named}`)
}

const salvageFault = (
  image: Image,
  damage: Damage,
  files: Files,
  { errors }: Found
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const disk = diskOf(files)
    const options = { ...rangedQuiet, recovery: "salvage" as const }
    const read = (store: Store.Store) => Effect.zip(contentOf(store), store.stats)
    const exit = yield* Effect.exit(withStore(disk, options, read))
    if (Exit.isFailure(exit)) return refusalFault(exit, damage, files) ?? "is refused"
    const [found, { recovery }] = exit.value
    if (typeof found === "string") return found
    // A store without errors is opened as it is.
    if (errors === 0) return recovery.aside === undefined ? undefined : "changes a store without errors"
    const again = yield* Effect.exit(withStore(disk, rangedQuiet, contentOf))
    if (Exit.isFailure(again)) return `opened again: ${outcomeOf(again, disk.contents()).fault ?? "is refused"}`
    if (JSON.stringify(again.value) !== JSON.stringify(found)) return "another content when it is opened again"
    return keptFault(image, damage, found, recovery.lost)
  })

const into = "/data/repaired"

const repairFault = (
  image: Image,
  damage: Damage,
  files: Files,
  { errors }: Found
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const disk = diskOf(files)
    const exit = yield* LsmStore.repairFromStorage(directory, { ...rangedQuiet, into }).pipe(
      Effect.provide(storageOf(disk)),
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.exit
    )
    if (Exit.isFailure(exit)) return refusalFault(exit, damage, files) ?? "is refused"
    const opened = yield* Effect.exit(withStore(disk, rangedQuiet, contentOf, {}, into))
    if (Exit.isFailure(opened)) return `opened: ${outcomeOf(opened, disk.contents()).fault ?? "is refused"}`
    if (typeof opened.value === "string") return opened.value
    return errors === 0 ? undefined : keptFault(image, damage, opened.value, exit.value.lost)
  })
