import { sep } from "node:path"
import * as Effect from "effect/Effect"
import { logName } from "../../core/storage/fileNames.js"
import { type FileError, InvalidArgument, type WriteError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import { copyFile, copyOpen } from "../storage/copyFile.js"
import type { Captured, LogPart, StoreSource } from "./storeSource.js"
import { makeWholeDirectory } from "./wholeDirectory.js"
import { writeState } from "./writeState.js"

/** The report of a checkpoint; see `Checkpoint.CheckpointReport`. */
export interface Written {
  readonly directory: string
  readonly sequence: number
  readonly linked: number
  readonly copied: number
  readonly copiedBytes: number
}

/** Links under way at a time. Each is a call in Node's thread pool. */
const linksAtOnce = 16

/** Makes a checkpoint of a store in a new directory; see `Checkpoint.make`. */
export const writeCheckpoint = (
  source: StoreSource,
  given: string,
  options: { readonly flush: boolean }
): Effect.Effect<Written, WriteError> =>
  Effect.gen(function* () {
    const into = yield* resolveInto(source.directory, given)
    return yield* makeWholeDirectory(source.storage, into, (temporary) =>
      Effect.gen(function* () {
        const captured = yield* source.capture(options)
        const state = writeState(source.storage, temporary, source.storeId, captured.state)
        const [counts, sequence] = yield* Effect.all([copyAll(source, captured, temporary), captured.sequence, state], {
          concurrency: "unbounded"
        })
        // If the store was closed, another one may have removed files before they were linked.
        yield* source.check
        yield* annotateSpan(() => ({
          linked: counts.linked,
          copied: counts.copied,
          bytes: counts.copiedBytes,
          sequence
        }))
        return { directory: into, sequence, ...counts }
      }).pipe(Effect.scoped)
    )
  }).pipe(traced("lsm.checkpoint", { directory: source.directory, into: given }))

/** The absolute path of the target. Fails if it lies in the directory that is copied. */
export const resolveInto = (directory: string, given: string): Effect.Effect<string, InvalidArgument> =>
  Effect.flatMap(resolveOptions({ directory: given }), ({ directory: into }) =>
    `${into}${sep}`.startsWith(`${directory}${sep}`)
      ? Effect.fail(new InvalidArgument({ argument: "into", reason: `${into} lies in the directory of the store` }))
      : Effect.succeed(into)
  )

/** Links the files that never change, and copies the rest. */
const copyAll = ({ directory, storage }: StoreSource, { files, log }: Captured, target: string) =>
  Effect.gen(function* () {
    let [linked, copied, copiedBytes] = [0, 0, 0]
    let canLink = true
    const countCopy = (bytes: number): void => {
      copied++
      copiedBytes += bytes
    }
    /** Links a file, or copies it if the file system does not link it there. */
    const linkOr = (name: string, copy: Effect.Effect<number, FileError>): Effect.Effect<void, FileError> =>
      Effect.suspend(() => {
        const copying = Effect.map(copy, countCopy)
        if (!canLink) return copying
        return storage.link(`${directory}/${name}`, `${target}/${name}`).pipe(
          Effect.zipRight(
            Effect.sync(() => {
              linked++
            })
          ),
          Effect.catchTag("StorageError", ({ code }) => {
            // Another name may have more luck unless this is so for every file.
            if (code === "EXDEV" || code === "EPERM") canLink = false
            return copying
          })
        )
      })
    const shared = Effect.forEach(
      files,
      (name) => linkOr(name, copyFile(storage, `${directory}/${name}`, `${target}/${name}`)),
      { concurrency: linksAtOnce, discard: true }
    )
    const ofLog = Effect.forEach(
      log,
      ({ file, isSealed, segment, size }: LogPart) => {
        const name = logName(segment)
        const copy = copyOpen(storage, file, size, `${target}/${name}`)
        return isSealed ? linkOr(name, copy) : Effect.map(copy, countCopy)
      },
      { discard: true }
    )
    yield* Effect.all([shared, ofLog], { concurrency: 2, discard: true })
    return { linked, copied, copiedBytes }
  })
