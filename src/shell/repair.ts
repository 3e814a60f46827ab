import { resolve, sep } from "node:path"
import * as Effect from "effect/Effect"
import { mayLoseData } from "../internal/damage.js"
import { lockName } from "../internal/fileNames.js"
import { surveyDirectory } from "../internal/survey.js"
import { InvalidArgument, type OpenError } from "../LsmError.js"
import { settings } from "../LsmOptions.js"
import type { RepairOptions, RepairReport } from "../Recovery.js"
import { attempt, Storage } from "../Storage.js"
import { expectStore, namesIn, noStore } from "./directories.js"
import { collect, drawStoreId, merge } from "./salvage.js"
import { warnOfDamage } from "./warnings.js"

/** Makes a new store of all that is sound in another; see `LsmStore.repair`. */
export const repairStore = (
  directory: string,
  { into, ...tuning }: RepairOptions
): Effect.Effect<RepairReport, OpenError, Storage> =>
  Effect.gen(function* () {
    yield* settings({ directory })
    const options = { ...tuning, directory: into }
    yield* settings(options)
    const storage = yield* Storage
    const refuse = (reason: string) => new InvalidArgument({ argument: "into", reason })
    const isInside = `${resolve(into)}${sep}`.startsWith(`${resolve(directory)}${sep}`)
    if (isInside) return yield* refuse(`${into} lies in the directory to be repaired`)
    yield* expectStore(directory)
    yield* storage.lock(directory, "read")
    if ((yield* namesIn(into)).some((name) => name !== lockName)) return yield* refuse(`${into} is not empty`)
    yield* storage.makeDirectory(into)
    yield* storage.lock(into)
    const names = yield* storage.list(directory)
    const { damages, report } = collect()
    const survey = yield* attempt(() => surveyDirectory(storage.driver, directory, names, report))
    if (survey === undefined) return yield* noStore(directory)
    const target = { directory: into, storeId: yield* drawStoreId, nextFileNumber: 1 }
    const { records, entries } = yield* merge(survey, directory, target, options, report)
    yield* warnOfDamage("repaired a damaged store", "Manifest", damages)
    const lost = damages.filter(mayLoseData)
    return { directory, into, tables: survey.tables.length, segments: survey.segments.length, records, entries, lost }
  }).pipe(Effect.scoped, Effect.withSpan("lsm.repair", { captureStackTrace: false }))
