import * as Effect from "effect/Effect"
import type { FileError } from "../../LsmError.js"
import { areTooManyFrozen, type Rotation } from "./rotation.js"
import { type Pressure, StallReports } from "./stallReports.js"
import { type CompactorState, everyWork } from "./state.js"

/**
 * How writers are held back when flushes and compactions fall behind. Under pressure they are
 * slowed down: they yield to the event loop after a few small writes, and background work gets a
 * slice each time. At a limit they wait.
 */
export interface WriteStalls {
  /** Whether a write must wait for background work before it begins. */
  readonly mustWait: () => boolean
  /**
   * Counts bytes written; true if the writer is to yield to the event loop, so that background work
   * keeps up.
   */
  readonly pace: (bytes: number) => boolean
  /** Waits until writes may go on; fails when the background work that they wait for fails. */
  readonly awaitAdmission: Effect.Effect<void, FileError>
  readonly reports: StallReports
}

/**
 * Bytes that writers may write before they yield to the event loop, while background work runs in
 * this thread.
 */
const busyPace = 32 * 1024
/** The same while it runs in another thread, whose messages must be received. */
const apartPace = 128 * 1024
/**
 * The same when level 0 or the frozen memtables are near their limit: about a slice of work for
 * twenty small writes.
 */
const slowPace = 2 * 1024

/** Bytes that may wait in the log before writers wait, at least. */
const minimumQueue = 1024 * 1024

export const makeWriteStalls = (state: CompactorState, rotation: Rotation): WriteStalls => {
  const { manifest, memtable, merger, metrics, settings, wal } = state.parts
  let credit = busyPace

  const level0Tables = (): number => manifest.unsafeVersion().levels[0]!.length

  const tooManyTables = (): boolean => level0Tables() >= settings.level0StopTables

  const mustWait = (): boolean =>
    memtable.unsafeActive().isFull ||
    tooManyTables() ||
    wal.unsafeQueuedBytes() > Math.max(settings.memtableBytes, minimumQueue)

  /**
   * Waiting for a log segment to be prepared takes some milliseconds, and is no pressure. Nor is a flush
   * while nothing new is written, such as the last one of a store that closes.
   */
  const pressure = (): Pressure => {
    const active = memtable.unsafeActive()
    const tooManyFrozen = !active.isEmpty && areTooManyFrozen(memtable.unsafeFrozen(), settings.maxFrozenMemtables)
    if (tooManyTables() || (tooManyFrozen && active.isFull)) return "stop"
    return tooManyFrozen || level0Tables() >= settings.level0SlowdownTables ? "slow" : "none"
  }

  const reports = new StallReports(
    pressure,
    () => ({
      reason: level0Tables() >= settings.level0SlowdownTables ? "level0Tables" : "frozenMemtables",
      frozenMemtables: memtable.unsafeFrozen().length,
      level0Tables: level0Tables()
    }),
    (make) => state.emit(make)
  )

  const pace = (bytes: number): boolean => {
    credit -= bytes
    if (credit > 0) return false
    if (reports.pressure() === "none") {
      credit = merger.unsafeIsApart?.() === true ? apartPace : busyPace
      return state.isBusy()
    }
    credit = slowPace
    metrics.slowdowns.add(1)
    return true
  }

  const awaitAdmission: Effect.Effect<void, FileError> = Effect.gen(function* () {
    rotation.rotate()
    if (!mustWait()) return
    metrics.stops.add(1)
    yield* reports.report
    for (const work of everyWork) state.wake(work)
    const outcome = yield* state.gate.until(() => {
      rotation.rotate()
      if (!mustWait() || state.isHalted() || state.fibers === undefined) return "go" as const
      return (
        (memtable.unsafeActive().isFull ? state.flushFailure() : undefined) ??
        (tooManyTables() ? state.failureOf("compaction") : undefined)
      )
    })
    yield* reports.report
    if (outcome !== "go") return yield* Effect.fail(outcome)
  })

  return { mustWait, pace, awaitAdmission, reports }
}
