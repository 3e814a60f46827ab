import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import {
  type FlushRequest,
  type Job,
  type JobStorage,
  type MergeRequest,
  SegmentFailure,
  TableJobs
} from "../../core/jobs/tableJobs.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import { type FileError, fromFailure } from "../../LsmError.js"
import type { Modes, StorageService } from "../../Storage.js"
import { SegmentUnusable } from "../background/segmentUnusable.js"
import type { ThreadWorkKind } from "../background/storeThread.js"
import { callback } from "../effect/callback.js"
import { Gate } from "../effect/gate.js"

/** The far side's work, as Effects. */
export interface Jobs {
  readonly merge: (request: MergeRequest) => Effect.Effect<WriterJobResult, FileError>
  readonly flush: (request: FlushRequest) => Effect.Effect<WriterJobResult, FileError | SegmentUnusable>
  /** Returns when no work of this kind is under way. */
  readonly settle: (kind: ThreadWorkKind) => Effect.Effect<void>
}

/** The failure of an Effect of a Storage, for callers that take callbacks. */
class FailedEffect extends Error {
  constructor(readonly error: FileError) {
    super(error.message)
  }
}

type Answer = Effect.Effect<WriterJobResult, FileError | SegmentUnusable>

const fromJobFailure = (failure: unknown): FileError | SegmentUnusable => {
  if (failure instanceof SegmentFailure) return new SegmentUnusable({ reason: failure.message })
  return failure instanceof FailedEffect ? failure.error : fromFailure(failure)
}

/** Runs jobs on Storages of the modes of each request. */
export const makeJobs = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Effect.Effect<Jobs, never, R> =>
  Effect.map(Effect.runtime<R>(), (runtime) => {
    const runFork = Runtime.runFork(runtime)
    const toCallback = (effect: Effect.Effect<void, FileError>, done: (failure: Error | undefined) => void): void => {
      const ended = Effect.match(effect, { onFailure: (error) => new FailedEffect(error), onSuccess: () => undefined })
      runFork(Effect.map(ended, done))
    }
    const toJobStorage = ({ driver, remove, syncDirectory, yieldToEventLoop }: StorageService): JobStorage => ({
      driver,
      turn: (next) => toCallback(yieldToEventLoop, next),
      remove: (path, done) => toCallback(remove(path), done),
      syncDirectory: (path, done) => toCallback(syncDirectory(path), done)
    })
    const jobs = new TableJobs()
    const gate = new Gate()
    const underWay = { flush: 0, merge: 0 }

    const run = (kind: ThreadWorkKind, modes: Modes, start: (storage: JobStorage) => Job): Answer =>
      Effect.flatMap(Effect.provide(storageWith(modes), runtime), (storage) =>
        callback((resume) => {
          underWay[kind]++
          const ended = () => {
            underWay[kind]--
            gate.notify()
          }
          const job = start(toJobStorage(storage))
          job.outcome.finally(ended).then(
            (result) => resume(result === undefined ? Effect.interrupt : Effect.succeed(result)),
            (failure) => resume(Effect.suspend(() => Effect.fail(fromJobFailure(failure))))
          )
          return Effect.sync(job.cancel)
        })
      )

    return {
      merge: (request) =>
        Effect.catchTag(
          run("merge", request.options, (storage) => jobs.merge(storage, request)),
          "SegmentUnusable",
          Effect.die
        ),
      flush: (request) => run("flush", request.options, (storage) => jobs.flush(storage, request)),
      settle: (kind) => Effect.asVoid(gate.until(() => underWay[kind] === 0 || undefined))
    }
  })
