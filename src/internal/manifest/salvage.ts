import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Retention } from "../../core/cursor/retention.js"
import { holdsStore } from "../../core/manifest/storeDirectory.js"
import { levelCount, Version } from "../../core/manifest/version.js"
import { soundEntries } from "../../core/recovery/soundEntries.js"
import { type Survey, surveyDirectory } from "../../core/recovery/survey.js"
import { verifyDirectory } from "../../core/recovery/verifyDirectory.js"
import { type Damage, mayLoseData, type Report, reportOnce } from "../../core/storage/damage.js"
import { parseFileName } from "../../core/storage/fileNames.js"
import type { FileError, InvalidArgument, OpenError } from "../../LsmError.js"
import { type LsmOptions, resolveOptions } from "../../LsmOptions.js"
import * as SSTableStore from "../../SSTableStore.js"
import { attempt, Storage, type StorageService } from "../../Storage.js"
import { warnOfDamage } from "../effect/damageWarnings.js"
import { traced } from "../effect/tracing.js"
import { runSlices, runSlicesAndClose } from "../storage/slices.js"
import { keepAside } from "./aside.js"
import { drawHistoryId } from "./drawIds.js"
import { writeManifest } from "./writeManifest.js"

/** The losses of a salvage, and the directory that keeps the files as they were. */
export interface Salvaged {
  readonly lost: ReadonlyArray<Damage>
  readonly aside: string
}

/**
 * Checks the store in a locked directory. If anything is damaged, it writes all sound entries to
 * new tables, and a new manifest that names only those; the old files are orphans then. Returns
 * undefined if the store is sound or there is none.
 *
 * A crash at any moment leaves either the old store, which is salvaged again, or the new one.
 * CURRENT alone decides which.
 */
export const salvageDirectory = (
  options: LsmOptions
): Effect.Effect<Salvaged | undefined, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory } = options
    const storage = yield* Storage
    const names = yield* storage.list(directory)
    if (!holdsStore(names) || (yield* isSound(storage, directory, names))) return undefined
    const { damages, report } = collect()
    const survey = yield* attempt(() => surveyDirectory(storage.driver, directory, names, report))
    if (survey === undefined) return undefined
    const kept = names.filter((name) => {
      const kind = parseFileName(name)?.kind
      return kind !== undefined && kind !== "lock" && kind !== "temporary"
    })
    const aside = yield* keepAside(storage, directory, survey.stateNumber, kept)
    const target = { directory, storeId: survey.storeId, nextFileNumber: survey.nextFileNumber }
    yield* merge(survey, directory, target, options, report)
    yield* warnOfDamage("salvaged a damaged store", "Manifest", damages)
    return { lost: damages.filter(mayLoseData), aside }
  }).pipe(Effect.scoped, traced("lsm.salvage", { directory: options.directory }))

const isSound = (
  storage: StorageService,
  directory: string,
  names: ReadonlyArray<string>
): Effect.Effect<boolean, FileError> =>
  Effect.suspend(() => {
    let errors = 0
    const listener = { error: () => void errors++, notice: () => undefined, progress: () => undefined }
    const steps = verifyDirectory(storage.driver, directory, names, listener, () => undefined)
    return Effect.map(runSlicesAndClose(storage, steps), () => errors === 0)
  })

/** Collects damage, each place once. */
export const collect = (): { readonly damages: ReadonlyArray<Damage>; readonly report: Report } => {
  const damages: Array<Damage> = []
  return { damages, report: reportOnce((damage) => damages.push(damage)) }
}

/** The destination of a merge. */
export interface MergeTarget {
  readonly directory: string
  readonly storeId: Uint8Array
  readonly nextFileNumber: number
}

/** Counts of what a merge read and wrote. */
export interface Merged {
  readonly records: number
  readonly entries: number
}

/** Writes the sound entries of a store as one level of tables, and a manifest that names them. */
export const merge = (
  survey: Survey,
  from: string,
  target: MergeTarget,
  options: LsmOptions,
  report: Report
): Effect.Effect<Merged, FileError | InvalidArgument, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const { directory, storeId } = target
    const targetSettings = yield* resolveOptions(options)
    const tables = yield* SSTableStore.make(targetSettings)
    tables.unsafeAttach(storeId)
    let { nextFileNumber } = target
    const allocate = (): number => nextFileNumber++
    const { cursor, largestSequence, ranges, records, close } = yield* runSlices(
      storage,
      soundEntries(storage.driver, from, survey, report)
    )
    // There are no snapshots, so only the newest versions count, and there is no level below.
    const retention = new Retention([], () => true, { ranges, isDone: () => true })
    const targetSize = targetSettings.tableBytes
    const job = { cursor, retention, targetSize, level: levelCount - 1, allocate }
    const written = yield* Effect.ensuring(tables.write(job), Effect.sync(close))
    const added = written.tables.map((table) => ({ level: levelCount - 1, table }))
    const manifestNumber = allocate()
    const time = survey.manifest?.state.time
    const writer = yield* writeManifest(storage, directory, storeId, manifestNumber, {
      nextFileNumber,
      flushedSequence: largestSequence,
      segments: [],
      version: Version.empty.apply({ added, removed: [], valueFiles: written.valueFiles }),
      history: { id: yield* drawHistoryId, since: largestSequence },
      ...(time !== undefined && { time }),
      // Remaining segments belong to logs that end here. None of them is needed.
      closed: { fileNumber: target.nextFileNumber - 1, size: 0 }
    })
    yield* attempt(() => writer.file.close())
    return { records, entries: written.tables.reduce((n, { entries }) => n + entries, 0) }
  })
