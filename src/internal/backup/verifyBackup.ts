import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { nameInBackup } from "../../core/backup/backupNames.js"
import type { BackupFile, Generation } from "../../core/backup/generationFile.js"
import type { OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import { Storage } from "../../Storage.js"
import { listsOf, noBackup, openBackup, readGeneration } from "./backupDirectory.js"
import { checkFile, placeOf } from "./checkFile.js"
import type { BackupVerifyEvent } from "./events.js"

/** Reads all files of a backup and compares their checksums; see `Backup.verify`. */
export const verifyBackup = (from: string): Stream.Stream<BackupVerifyEvent, OpenError, Storage> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const storage = yield* Storage
      const { directory } = yield* resolveOptions({ directory: from })
      const { names, storeId } = yield* openBackup(directory)
      const lists = listsOf(names)
      if (lists.length === 0) return yield* noBackup(directory)
      const faults: Array<BackupVerifyEvent> = []
      const generations: Array<Generation> = []
      for (const name of lists) {
        const read = readGeneration(storage, directory, name, storeId)
        const fault = yield* Effect.matchEffect(read, {
          onFailure: (error) =>
            error._tag === "Corruption" ? Effect.succeed({ ...placeOf(error), generations: [] }) : Effect.fail(error),
          onSuccess: (generation) =>
            Effect.sync(() => {
              generations.push(generation)
              return undefined
            })
        })
        if (fault !== undefined) faults.push(fault)
      }
      const files = uniqueFiles(generations)
      const total = files.reduce((sum, { file }) => sum + file.size, 0)
      let [bytes, errors] = [0, faults.length]
      const checking = Stream.mapEffect(Stream.fromIterable(files), ({ file, name, users }) =>
        Effect.map(checkFile(storage, `${directory}/${name}`, file), (place): ReadonlyArray<BackupVerifyEvent> => {
          bytes += file.size
          const progress: BackupVerifyEvent = { _tag: "Progress", file: name, bytes, total }
          if (place === undefined) return [progress]
          errors++
          return [progress, { ...place, generations: users }]
        })
      )
      const end = Effect.sync((): BackupVerifyEvent => {
        const numbers = generations.map(({ number }) => number).sort((a, b) => a - b)
        return { _tag: "Verified", generations: numbers, files: files.length, bytes, errors }
      })
      return Stream.concat(
        Stream.concat(Stream.fromIterable(faults), Stream.flatMap(checking, Stream.fromIterable)),
        Stream.fromEffect(end)
      )
    })
  )

/** Each file once, with the generations that need it. */
const uniqueFiles = (generations: ReadonlyArray<Generation>) => {
  const found = new Map<string, { readonly file: BackupFile; readonly name: string; readonly users: Array<number> }>()
  for (const { files, number } of generations) {
    for (const file of files) {
      const name = nameInBackup(file.kind, file.fileNumber, file.since)
      const known = found.get(name)
      if (known === undefined) found.set(name, { file, name, users: [number] })
      else known.users.push(number)
    }
  }
  return [...found.values()]
}
