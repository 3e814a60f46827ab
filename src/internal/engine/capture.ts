import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { lastSequence } from "../../core/log/lastSequence.js"
import type { ManifestState } from "../../core/manifest/manifestFile.js"
import type { Damage } from "../../core/storage/damage.js"
import { logName, tableName } from "../../core/storage/fileNames.js"
import { closeQuietly } from "../../core/storage/storageDriver.js"
import { valueFileName } from "../../core/values/valueFile.js"
import { Corruption, type WriteError } from "../../LsmError.js"
import { attempt } from "../../Storage.js"
import type { Captured, LogPart, StoreSource } from "../checkpoint/storeSource.js"
import { runSlices } from "../storage/slices.js"
import type { Engine } from "./engine.js"

/** A part of the log, before it is opened. Without a size, all of the file belongs to the copy. */
interface Named extends Pick<LogPart, "segment" | "isSealed"> {
  readonly size?: number
}

/** The pinned files. */
type Held = Omit<Captured, "sequence">

/**
 * Pins the store as of now, for copies of it.
 *
 * The state, its version and the open segments of the log are taken in one synchronous stretch.
 * Tables and files with values stay because the version is pinned, and segments because they are
 * open: if a flush removes one meanwhile, it is copied from the open file.
 *
 * - Every record that was acknowledged before is in the log's synced part, since the log is synced
 *   first. Of the current segment only the synced part counts: records behind it may not have been
 *   applied, or may be half a group. The copy's manifest says where it ends, as if the log had been
 *   closed there, so that a copy that is cut short shows.
 * - Older segments are no longer written to. They are synced before they count as sealed.
 */
export const sourceOfEngine = (engine: Engine, lost: ReadonlyArray<Damage>): StoreSource => {
  const { compactor, manifest, settings, storage, wal } = engine.parts

  const checkWrites = Effect.suspend(() => refuse(engine.writeRefusal()))
  const check = Effect.suspend(() => refuse(settings.readOnly ? engine.readRefusal() : engine.writeRefusal()))

  const hold = (log: (state: ManifestState) => readonly [ManifestState, ReadonlyArray<Named>]) =>
    Effect.acquireRelease(
      attempt(() => {
        const [state, named] = log(manifest.unsafeState())
        const { version } = state
        // A segment that is kept for its values is one of the version's files.
        const parts = open(
          engine,
          named.filter(({ segment }) => !version.valueFiles.has(segment))
        )
        const { release } = manifest.unsafePin()
        const files = [
          ...version.levels.flatMap((tables) => tables.map(({ fileNumber }) => tableName(fileNumber))),
          ...[...version.valueFiles.values()].map(valueFileName)
        ]
        const held: Held = { state, files, log: parts }
        return { held, release }
      }),
      ({ held, release }) =>
        Effect.sync(() => {
          for (const { file } of held.log) closeQuietly(file)
          release()
        })
    ).pipe(Effect.map(({ held }) => held))

  /** No log: every write that counts is in tables. */
  const flushed = Effect.gen(function* () {
    yield* engine.whenActive(compactor.flush)
    // A flush also ends when the store is closed or the log has failed.
    yield* checkWrites
    const held = yield* hold((state) => {
      const closed = { fileNumber: state.nextFileNumber - 1, size: 0 }
      return [{ ...state, segments: [], closed }, []]
    })
    return { ...held, sequence: Effect.succeed(held.state.flushedSequence) }
  })

  /** The log is as the last session left it. After a crash it may not be on disk yet: it is copied. */
  const settled = Effect.suspend(() => {
    const [damage] = lost
    // A store that is only read past damage leaves its log as it is. The copy would be damaged too.
    if (damage !== undefined) {
      const { file, offset, reason, region } = damage
      return Effect.fail(new Corruption({ file, offset, region, reason }))
    }
    const sequence = Effect.succeed(engine.visibleSequence)
    const held = hold((state) => [state, state.segments.map((segment) => ({ segment, isSealed: false }))])
    return Effect.map(held, (all) => ({ ...all, sequence }))
  })

  const live: Effect.Effect<Captured, WriteError, Scope.Scope> = Effect.gen(function* () {
    // The log may have been rotated since the sync. Then no record of the new segment is synced.
    do {
      yield* check
      yield* wal.sync
    } while (wal.unsafeStatus().syncedBytes === 0)
    const held = yield* hold((state) => {
      const { segment, syncedBytes: size = 0 } = wal.unsafeStatus()
      const segments = state.segments.slice(0, state.segments.indexOf(segment) + 1)
      const named = segments.map((number) =>
        number === segment ? { segment, size, isSealed: false } : { segment: number, isSealed: true }
      )
      return [{ ...state, segments, closed: { fileNumber: segment, size } }, named]
    })
    for (const { isSealed, segment } of held.log) if (isSealed) yield* wal.synced?.(segment) ?? wal.sync
    return { ...held, sequence: newest(held) }
  })

  const newest = ({ log, state }: Held) =>
    Effect.gen(function* () {
      for (const { file, size } of log.toReversed()) {
        const sequence = yield* runSlices(storage, lastSequence(file, size))
        if (sequence > 0) return Math.max(sequence, state.flushedSequence)
      }
      return state.flushedSequence
    })

  return {
    directory: settings.directory,
    storeId: manifest.storeId,
    storage,
    check,
    capture: ({ flush }) =>
      Effect.flatMap(flush ? checkWrites : check, () => {
        if (flush) return flushed
        if (!engine.isActive) return settled
        return wal.unsafeStatus().syncedBytes === undefined ? flushed : live
      })
  }
}

const refuse = (refusal: WriteError | undefined): Effect.Effect<void, WriteError> =>
  refusal === undefined ? Effect.void : Effect.fail(refusal)

/** Opens all files, or none. @throws StorageFailure */
const open = ({ parts: { settings, storage } }: Engine, named: ReadonlyArray<Named>): ReadonlyArray<LogPart> => {
  const opened: Array<LogPart> = []
  try {
    for (const { isSealed, segment, size } of named) {
      const file = storage.driver.openRead(`${settings.directory}/${logName(segment)}`)
      opened.push({ segment, isSealed, file, size: size ?? Number.POSITIVE_INFINITY })
    }
  } catch (failure) {
    for (const { file } of opened) closeQuietly(file)
    throw failure
  }
  return opened
}
