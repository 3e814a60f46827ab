import { sep } from "node:path"
import * as Effect from "effect/Effect"
import { isLockName } from "../../core/lock/lockNames.js"
import { surveyDirectory } from "../../core/recovery/survey.js"
import { mayLoseData } from "../../core/storage/damage.js"
import { InvalidArgument, type OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import type { RepairOptions, RepairReport } from "../../Maintenance.js"
import { attempt, Storage } from "../../Storage.js"
import { warnOfDamage } from "../effect/damageWarnings.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import { expectStore, makeDirectories, namesIn, noStore, syncParents } from "../manifest/directories.js"
import { drawStoreId } from "../manifest/drawIds.js"
import { collect, merge } from "../manifest/salvage.js"

/** Makes a new store from the sound parts of another; see `LsmStore.repair`. */
export const repairStore = (
  damaged: string,
  { into: given, ...tuning }: RepairOptions
): Effect.Effect<RepairReport, OpenError, Storage> =>
  Effect.gen(function* () {
    const { directory } = yield* resolveOptions({ directory: damaged })
    const options = yield* resolveOptions({ ...tuning, directory: given })
    const into = options.directory
    const storage = yield* Storage
    const refuse = (reason: string) => new InvalidArgument({ argument: "into", reason })
    const isInside = `${into}${sep}`.startsWith(`${directory}${sep}`)
    if (isInside) return yield* refuse(`${into} lies in the directory to be repaired`)
    yield* expectStore(directory)
    yield* storage.lock(directory, "read")
    const expectEmpty = Effect.flatMap(namesIn(into), (names) =>
      names.every(isLockName) ? Effect.void : refuse(`${into} is not empty`)
    )
    yield* expectEmpty
    yield* makeDirectories(storage, into)
    yield* storage.lock(into)
    // Another process may have made a store there before we had the lock.
    yield* expectEmpty
    yield* syncParents(storage, into)
    const names = yield* storage.list(directory)
    const { damages, report } = collect()
    const survey = yield* attempt(() => surveyDirectory(storage.driver, directory, names, report))
    if (survey === undefined) return yield* noStore(directory)
    const target = { directory: into, storeId: yield* drawStoreId, nextFileNumber: 1 }
    const { records, entries } = yield* merge(survey, directory, target, options, report)
    yield* warnOfDamage("repaired a damaged store", "Manifest", damages)
    const lost = damages.filter(mayLoseData)
    yield* annotateSpan(() => ({ records, entries, lost: lost.length }))
    return { directory, into, tables: survey.tables.length, segments: survey.segments.length, records, entries, lost }
  }).pipe(Effect.scoped, traced("lsm.repair", { directory: damaged, into: given }))
