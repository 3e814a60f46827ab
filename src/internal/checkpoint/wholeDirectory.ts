import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type FileError, InvalidArgument } from "../../LsmError.js"
import { Storage, type StorageService } from "../../Storage.js"
import { makeDirectories, namesIn, syncParent, syncParents } from "../manifest/directories.js"

/**
 * Makes a directory that appears whole or not at all: `fill` gets a directory under a temporary
 * name, and makes the content of its files durable there. Then it is renamed. A failure or an interruption removes
 * it again. A crash may leave it under its temporary name.
 */
export const makeWholeDirectory = <A, E, R>(
  storage: StorageService,
  into: string,
  fill: (temporary: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | FileError | InvalidArgument, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* expectVacant(storage, into)
      const temporary = `${into}.incomplete-${yield* drawWord}`
      yield* makeDirectories(storage, temporary)
      // Of the parents only the nearest changes later.
      const parents = syncParents(storage, dirname(into))
      const [filled] = yield* restore(Effect.all([fill(temporary), parents], { concurrency: 2 })).pipe(
        Effect.tap(() => publish(storage, temporary, into)),
        Effect.onError(() => clear(storage, temporary))
      )
      return filled
    })
  )

/** Fails if the directory has anything in it. */
const expectVacant = (storage: StorageService, into: string): Effect.Effect<void, FileError | InvalidArgument> =>
  Effect.gen(function* () {
    const names = yield* Effect.provideService(namesIn(into), Storage, storage)
    const isFile = names.length === 0 && (yield* storage.exists(into)) && !(yield* isDirectory(storage, into))
    if (isFile) return yield* refuse(`${into} is not a directory`)
    if (names.length > 0) return yield* refuse(`${into} is not empty`)
  })

const refuse = (reason: string) => new InvalidArgument({ argument: "into", reason })

const isDirectory = (storage: StorageService, path: string): Effect.Effect<boolean> =>
  Effect.match(storage.list(path), { onFailure: () => false, onSuccess: () => true })

/** The one step that makes the directory visible, and makes its name durable. */
const publish = (storage: StorageService, temporary: string, into: string): Effect.Effect<void, FileError> =>
  Effect.gen(function* () {
    yield* storage.syncDirectory(temporary)
    // Windows renames no directory onto another one, even if that is empty.
    if (storage.removeDirectory !== undefined) yield* Effect.ignore(storage.removeDirectory(into))
    yield* storage.rename(temporary, into)
    yield* Effect.onError(syncParent(storage, into), () => clear(storage, into))
  })

/** Removes a directory with the files in it, as far as that is possible. */
const clear = (storage: StorageService, directory: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const names = yield* storage.list(directory)
    yield* Effect.forEach(names, (name) => Effect.ignore(storage.remove(`${directory}/${name}`)), { discard: true })
    if (storage.removeDirectory !== undefined) yield* storage.removeDirectory(directory)
  }).pipe(Effect.ignore)

const drawWord: Effect.Effect<string> = Effect.map(Random.nextIntBetween(0, 2 ** 31), (drawn) =>
  drawn.toString(16).padStart(8, "0")
)
