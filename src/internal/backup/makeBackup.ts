import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { markerName, nameInBackup, nameInStore } from "../../core/backup/backupNames.js"
import type { BackupFile, Generation } from "../../core/backup/generationFile.js"
import { equals } from "../../core/bytes/bytes.js"
import { isLockName } from "../../core/lock/lockNames.js"
import { type FileError, InvalidArgument, type OpenError, type WriteError } from "../../LsmError.js"
import { attempt, type StorageService } from "../../Storage.js"
import type { Captured, LogPart, StoreSource } from "../checkpoint/storeSource.js"
import { resolveInto } from "../checkpoint/writeCheckpoint.js"
import { annotateSpan, tracedStream } from "../effect/tracing.js"
import { makeDirectories, syncParents } from "../manifest/directories.js"
import { copyFile, copyOpen } from "../storage/copyFile.js"
import { readGenerations, readMarker, removeUnneeded } from "./backupDirectory.js"
import { checkCopies, fileOf } from "./checkCopies.js"
import { writeGeneration, writeMarker } from "./commit.js"
import { identify, RunningChecksum } from "./copyChecked.js"
import type { BackupEvent } from "./events.js"

/** A file to copy, and the place where it is open or lies. */
interface Task {
  readonly file: Pick<BackupFile, "kind" | "fileNumber" | "since">
  readonly from: string | LogPart
  readonly size: number
}

/** Makes a generation of a backup; see `Backup.make`. */
export const makeBackup = (
  source: StoreSource,
  given: string,
  keep: number
): Stream.Stream<BackupEvent, WriteError | OpenError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { directory, storage, storeId } = source
      const into = yield* resolveInto(directory, given)
      const earlier = yield* prepare(storage, into, storeId)
      const number = (earlier.at(-1)?.number ?? 0) + 1
      const captured = yield* source.capture({ flush: false })
      const { held, tasks } = yield* plan(source, captured, earlier, number)
      const total = tasks.reduce((bytes, { size }) => bytes + size, 0)
      const copied: Array<BackupFile> = []
      let bytes = 0
      let isDone = false
      // Files that were copied in vain are removed. After a crash, the next backup does that.
      yield* Effect.addFinalizer(() => (isDone ? Effect.void : Effect.ignore(removeUnneeded(storage, into, earlier))))
      const copying = Stream.mapEffect(Stream.fromIterable(tasks), (task) =>
        Effect.map(copyOne(storage, into, task), (file): BackupEvent => {
          copied.push(file)
          bytes += file.size
          return { _tag: "Progress", file: nameInStore(file.kind, file.fileNumber), bytes, total }
        })
      )
      const commit = Effect.gen(function* () {
        // If the store was closed, another one may have removed files before they were copied.
        yield* source.check
        const [sequence, madeAt] = [yield* captured.sequence, yield* Clock.currentTimeMillis]
        const files = [...held, ...copied]
        const generation: Generation = { number, storeId, madeAt, sequence, state: captured.state, files }
        yield* checkCopies(storage, directory, into, generation, copied)
        const kept = [...earlier, generation].slice(-keep)
        const removed = earlier.filter((one) => !kept.includes(one)).map((one) => one.number)
        const done = Effect.sync(() => {
          isDone = true
        })
        yield* writeGeneration(storage, into, generation, removed, done)
        yield* removeUnneeded(storage, into, kept)
        const counts = { files: files.length, copiedFiles: copied.length, copiedBytes: bytes }
        const size = files.reduce((sum, file) => sum + file.size, 0)
        yield* annotateSpan(() => ({ generation: number, sequence, files: files.length, copied: copied.length, bytes }))
        return { _tag: "Made" as const, directory: into, generation: number, sequence, bytes: size, ...counts, removed }
      })
      return Stream.concat(copying, Stream.fromEffect<BackupEvent, WriteError | OpenError, never>(commit))
    })
  ).pipe(tracedStream("lsm.backup", { directory: source.directory, into: given }))

/** Owns the directory of the backup, makes it if it is missing, and reads its generations. */
const prepare = (
  storage: StorageService,
  into: string,
  storeId: Uint8Array
): Effect.Effect<ReadonlyArray<Generation>, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    yield* makeDirectories(storage, into)
    yield* storage.lock(into)
    const names = (yield* storage.list(into)).filter((name) => !isLockName(name))
    const refuse = (reason: string) => new InvalidArgument({ argument: "into", reason: `${into} ${reason}` })
    if (names.every((name) => name === markerName)) {
      // A crash may have left a part of the mark.
      if (names.length > 0) yield* storage.remove(`${into}/${markerName}`)
      yield* writeMarker(storage, into, storeId)
      yield* syncParents(storage, into)
      return []
    }
    const owner = yield* readMarker(storage, into, names)
    if (owner === undefined) return yield* refuse("is not empty, and holds no backup")
    if (!equals(owner, storeId)) return yield* refuse("holds backups of another store")
    const generations = yield* readGenerations(storage, into, names, storeId)
    yield* removeUnneeded(storage, into, generations)
    return generations
  })

/** Which files the backup has already, and which it must copy. */
const plan = (
  { directory, storage }: StoreSource,
  { files, log }: Captured,
  earlier: ReadonlyArray<Generation>,
  since: number
) =>
  attempt(() => {
    const known = new Map<string, ReadonlyArray<BackupFile>>()
    for (const file of earlier.flatMap((generation) => generation.files)) {
      const name = nameInStore(file.kind, file.fileNumber)
      known.set(name, [file, ...(known.get(name) ?? [])])
    }
    const held: Array<BackupFile> = []
    const tasks: Array<Task> = []
    for (const name of files) {
      const { sample, size } = identify(storage.driver, `${directory}/${name}`)
      const same = known.get(name)?.find((file) => file.size === size && file.sample === sample)
      if (same !== undefined) held.push(same)
      else tasks.push({ file: { ...fileOf(name), since }, from: `${directory}/${name}`, size })
    }
    for (const part of log) {
      const size = Math.min(part.size, part.file.size())
      tasks.push({ file: { kind: "log", fileNumber: part.segment, since }, from: part, size })
    }
    return { held, tasks }
  })

const copyOne = (storage: StorageService, into: string, { file, from }: Task): Effect.Effect<BackupFile, FileError> =>
  Effect.suspend(() => {
    const { fileNumber, kind, since } = file
    const to = `${into}/${nameInBackup(kind, fileNumber, since)}`
    const sum = new RunningChecksum()
    const copy =
      typeof from === "string"
        ? copyFile(storage, from, to, sum.add)
        : copyOpen(storage, from.file, from.size, to, sum.add)
    return Effect.flatMap(copy, () =>
      Effect.map(
        attempt(() => identify(storage.driver, to)),
        ({ sample }): BackupFile => ({ kind, fileNumber, since, size: sum.size, checksum: sum.value, sample })
      )
    )
  })
