import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import {
  expiredSegments,
  type HistoryLimit,
  parseRetainedName,
  type RetainedSegment,
  retainedName
} from "../../core/log/retainedSegment.js"
import { sizeIfThere } from "../../core/manifest/storeDirectory.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService } from "../../Storage.js"
import { annotate } from "../effect/logging.js"

/** Keeps segments that leave the log, for the feed of changes. */
export interface SegmentRetention {
  /**
   * Gives segments that are about to leave the log their second name. To be called before the manifest
   * drops them: a crash in between leaves a segment with two names, not one with none.
   */
  readonly retain: (segments: ReadonlyArray<number>) => Effect.Effect<void>
  /** Removes a segment that has left the log. */
  readonly remove: (segment: number) => Effect.Effect<void, FileError>
  /** Returns a function that returns the segments that are kept then. */
  readonly retained: Effect.Effect<() => ReadonlyArray<RetainedSegment>, FileError>
}

export const makeRetention = (
  storage: StorageService,
  directory: string,
  pathOf: (segment: number) => string,
  limit: HistoryLimit
): SegmentRetention => {
  /** By file number. Undefined until the directory was listed. */
  let kept: Map<number, RetainedSegment> | undefined
  /** Segments that the file system could not link. They are renamed when they have left the log. */
  const toRename = new Map<number, string>()
  const isOn = limit.bytes > 0 && limit.millis > 0
  const pathIn = (name: string): string => `${directory}/${name}`

  const load: Effect.Effect<Map<number, RetainedSegment>, FileError> = Effect.suspend(() => {
    if (kept !== undefined) return Effect.succeed(kept)
    return Effect.flatMap(storage.list(directory), (names) =>
      attempt(() => {
        const found = new Map<number, RetainedSegment>()
        for (const name of names) {
          const parsed = parseRetainedName(name)
          if (parsed === undefined) continue
          found.set(parsed.fileNumber, { ...parsed, size: sizeIfThere(storage.driver, pathIn(name)) })
        }
        kept ??= found
        return kept
      })
    )
  })

  const retainOne = (segments: Map<number, RetainedSegment>, fileNumber: number): Effect.Effect<void, FileError> =>
    Effect.gen(function* () {
      const retiredAt = yield* Clock.currentTimeMillis
      const name = retainedName(fileNumber, retiredAt)
      const size = yield* attempt(() => sizeIfThere(storage.driver, pathOf(fileNumber)))
      if (size === 0 || segments.has(fileNumber)) return
      yield* storage.link(pathOf(fileNumber), pathIn(name)).pipe(
        Effect.catchAll(() =>
          Effect.sync(() => {
            toRename.set(fileNumber, name)
          })
        )
      )
      segments.set(fileNumber, { fileNumber, retiredAt, name, size })
    })

  const prune = (segments: Map<number, RetainedSegment>): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.forEach(
        expiredSegments([...segments.values()], limit, now),
        ({ fileNumber, name }) => {
          segments.delete(fileNumber)
          toRename.delete(fileNumber)
          return Effect.ignore(storage.remove(pathIn(name)))
        },
        { discard: true }
      )
    )

  return {
    retain: (leaving) =>
      Effect.flatMap(load, (segments) => {
        const link = Effect.forEach(leaving, (fileNumber) => retainOne(segments, fileNumber), { discard: true })
        const durable = leaving.length > 0 ? Effect.zipRight(link, storage.syncDirectory(directory)) : link
        return Effect.zipRight(isOn ? durable : Effect.void, prune(segments))
      }).pipe(
        // The history is worth less than the flush that needs room.
        Effect.catchAll((error) =>
          Effect.logWarning("could not keep the history of changes", error.message).pipe(annotate("Wal", { directory }))
        )
      ),
    remove: (segment) =>
      Effect.suspend(() => {
        const name = toRename.get(segment)
        toRename.delete(segment)
        return name === undefined ? storage.remove(pathOf(segment)) : storage.rename(pathOf(segment), pathIn(name))
      }),
    retained: Effect.map(load, (segments) => () => [...segments.values()])
  }
}
