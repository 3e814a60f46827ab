import * as Effect from "effect/Effect"
import type { SingleMemtable } from "../../core/memtable/singleMemtable.js"
import type { FileError } from "../../LsmError.js"
import { logDebug } from "../effect/logging.js"
import type { CompactorState } from "./state.js"

/**
 * Freezes the active memtable and continues the log in its next segment, in one synchronous
 * stretch.
 */
export interface Rotation {
  /** Rotates if the memtable is full, or a rotation is wanted, and it can be done now. */
  readonly rotate: () => void
  /** Called when no record waits in the log: the same, and opens the gate. */
  readonly rotateIfFull: () => void
  /** Rotates as soon as it can be done, though the memtable is not full. */
  readonly want: () => void
  /**
   * Makes a log segment and names it in the manifest, if none stands ready; true if it was needed.
   */
  readonly prepareSegment: Effect.Effect<boolean, FileError>
  /**
   * Logs the rotations since the last report: a rotation itself is synchronous, and logs nothing.
   */
  readonly report: Effect.Effect<void>
}

/** Whether no other memtable may be frozen. */
export const areTooManyFrozen = (frozen: ReadonlyArray<Pick<SingleMemtable, "weight">>, most: number): boolean =>
  frozen.length >= most && frozen.reduce((sum, { weight = 1 }) => sum + weight, 0) > most - 1

export const makeRotation = (state: CompactorState): Rotation => {
  const { manifest, memtable, settings, wal } = state.parts
  const { gate } = state
  let isWanted = false
  /** A segment that exists, but the edit that names it has failed. */
  let prepared: number | undefined
  const unreported: Array<{ readonly segment: number; readonly bytes: number }> = []

  const rotate = (): void => {
    const active = memtable.unsafeActive()
    if (active.isEmpty) {
      isWanted = false
      return
    }
    const isDue = active.isDue ?? active.isFull
    if (!isDue && !isWanted) return
    if (areTooManyFrozen(memtable.unsafeFrozen(), settings.maxFrozenMemtables) || !wal.unsafeCanRotate()) return
    isWanted = false
    state.frozenBecause.set(active, isDue ? "full" : "asked")
    const { segment, segmentBytes } = wal.unsafeStatus()
    unreported.push({ segment, bytes: segmentBytes })
    memtable.unsafeFreeze(wal.unsafeRotate())
    if (active.firstSegment === segment) {
      state.segmentOf.set(active, segment)
      const values = wal.unsafeLoggedValues?.()
      if (values !== undefined) state.loggedValuesOf.set(active, values)
    }
    state.wake("flush")
    state.wake("segment preparation")
    gate.notify()
  }

  // Not interruptible: a segment on disk that the manifest does not name would be an orphan.
  const prepareSegment = Effect.suspend(() => {
    if (!wal.unsafeNeedsSegment()) return Effect.succeed(false)
    const segment = prepared ?? manifest.unsafeAllocate()
    const make = Effect.tap(wal.prepare(manifest.storeId, segment), () =>
      Effect.sync(() => {
        prepared = segment
      })
    )
    return (prepared === undefined ? make : Effect.void).pipe(
      Effect.zipRight(state.apply({ addedSegments: [segment] })),
      Effect.zipRight(
        Effect.sync(() => {
          prepared = undefined
          wal.unsafeOffer(segment)
          rotate()
          gate.notify()
        })
      ),
      Effect.zipRight(logDebug("Wal", "prepared a log segment", { segment })),
      Effect.as(true)
    )
  }).pipe(Effect.uninterruptible)

  return {
    rotate,
    rotateIfFull: () => {
      rotate()
      gate.notify()
    },
    want: () => {
      isWanted = true
      rotate()
    },
    prepareSegment,
    report: Effect.suspend(() =>
      Effect.forEach(unreported.splice(0), (rotation) => logDebug("Wal", "rotated the log", rotation), {
        discard: true
      })
    )
  }
}
