import * as Effect from "effect/Effect"
import { generationName, generationOf, nameInBackup, nameInStore } from "../../core/backup/backupNames.js"
import type { Generation } from "../../core/backup/generationFile.js"
import { InvalidArgument, type OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import { Storage, type StorageService } from "../../Storage.js"
import { makeWholeDirectory } from "../checkpoint/wholeDirectory.js"
import { resolveInto } from "../checkpoint/writeCheckpoint.js"
import { writeState } from "../checkpoint/writeState.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import { listsOf, noBackup, openBackup, readGeneration } from "./backupDirectory.js"
import { copyKnown } from "./copyChecked.js"

/** The report of a restore; see `Backup.RestoreReport`. */
export interface Restored {
  readonly directory: string
  readonly generation: number
  readonly sequence: number
  readonly files: number
  readonly bytes: number
}

/** Makes a store of a generation; see `Backup.restore`. */
export const restoreBackup = (
  from: string,
  given: string,
  wanted: number | undefined
): Effect.Effect<Restored, OpenError, Storage> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const { directory } = yield* resolveOptions({ directory: from })
    const into = yield* resolveInto(directory, given)
    const { names, storeId } = yield* openBackup(directory)
    const numbers = listsOf(names).flatMap((name) => generationOf(name) ?? [])
    if (numbers.length === 0) return yield* noBackup(directory)
    const number = wanted ?? Math.max(...numbers)
    if (!numbers.includes(number)) return yield* noGeneration(directory, number)
    const generation = yield* readGeneration(storage, directory, generationName(number), storeId)
    const nextFileNumber = yield* unusedNumber(storage, directory, numbers, generation)
    yield* makeWholeDirectory(storage, into, (temporary) =>
      Effect.gen(function* () {
        for (const file of generation.files) {
          const name = nameInBackup(file.kind, file.fileNumber, file.since)
          const to = `${temporary}/${nameInStore(file.kind, file.fileNumber)}`
          yield* copyKnown(storage, `${directory}/${name}`, to, file)
        }
        yield* writeState(storage, temporary, storeId, { ...generation.state, nextFileNumber })
      })
    )
    const bytes = generation.files.reduce((sum, { size }) => sum + size, 0)
    yield* annotateSpan(() => ({ into, generation: number, files: generation.files.length, bytes }))
    return { directory: into, generation: number, sequence: generation.sequence, files: generation.files.length, bytes }
  }).pipe(Effect.scoped, traced("lsm.restore", { directory: from }))

/**
 * A file number that no generation uses. A store that is restored from an older generation must not
 * give new files the numbers of files that later generations have.
 */
const unusedNumber = (
  storage: StorageService,
  directory: string,
  numbers: ReadonlyArray<number>,
  { state, storeId }: Generation
): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(numbers, (number) =>
      Effect.match(readGeneration(storage, directory, generationName(number), storeId), {
        // A list that is damaged does not keep another generation from being restored.
        onFailure: () => 0,
        onSuccess: (generation) => generation.state.nextFileNumber
      })
    ),
    (all) => Math.max(state.nextFileNumber, ...all)
  )

const noGeneration = (directory: string, number: number) =>
  new InvalidArgument({ argument: "generation", reason: `there is no generation ${number} in ${directory}` })
