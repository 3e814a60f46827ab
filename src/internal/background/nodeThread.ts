import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type FlushRequest, type MergeRequest, SegmentFailure } from "../../core/jobs/tableJobs.js"
import { isFailure } from "../../core/storage/failure.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import { type FileError, fromFailure } from "../../LsmError.js"
import { callback } from "../effect/callback.js"
import { SegmentUnusable } from "./segmentUnusable.js"
import type { StartThread, ThreadWorkKind } from "./storeThread.js"
import { ThreadDied } from "./threadDied.js"
import { decodeFailure, type FromThread, type ToThread } from "./wire.js"

type Answer = Effect.Effect<WriterJobResult, FileError | SegmentUnusable | ThreadDied>

interface Asked {
  readonly kind: ThreadWorkKind
  readonly resume: (answer: Answer) => void
}

/** The near side of a thread of Node that runs thread.js. */
class NodeThread {
  death: ThreadDied | undefined
  readonly worker: Worker
  /** Requests that the thread has not answered, interrupted ones included. */
  private readonly asked = new Map<number, Asked>()
  private ids = 0
  private isReady = false
  /** Called when the thread becomes ready, has answered, or has died. */
  private watchers = new Set<() => void>()

  constructor(program: URL) {
    // What this process was started with is not for the thread: it may not start with these words.
    this.worker = new Worker(program, { execArgv: [] })
    this.worker.on("message", (message: FromThread) => this.take(message))
    this.worker.on("error", (cause) => this.died(cause))
    this.worker.on("messageerror", (cause) => this.died(cause))
    this.worker.on("exit", (code) => this.died(new Error(`the thread ended with code ${code}`)))
  }

  readonly ready: Effect.Effect<void, ThreadDied> = this.until(() => this.isReady)

  /** Returns when the thread does no work of this kind. */
  readonly settle = (kind: ThreadWorkKind): Effect.Effect<void, ThreadDied> =>
    this.until(() => ![...this.asked.values()].some((other) => other.kind === kind))

  ask(kind: ThreadWorkKind, request: MergeRequest | FlushRequest): Answer {
    return callback((resume) => {
      if (this.death !== undefined) return resume(Effect.fail(this.death))
      const id = ++this.ids
      this.asked.set(id, { kind, resume })
      this.send({ kind, id, request } as ToThread)
      return Effect.sync(() => this.send({ kind: "cancel", id }))
    })
  }

  died(cause: unknown): void {
    if (this.death !== undefined) return
    this.death = new ThreadDied({ cause })
    for (const { resume } of this.asked.values()) resume(Effect.fail(this.death))
    this.asked.clear()
    this.changed()
  }

  private send(message: ToThread): void {
    this.worker.postMessage(message)
  }

  private take(message: FromThread): void {
    if (message.kind === "ready") this.isReady = true
    else {
      const asked = this.asked.get(message.id)
      this.asked.delete(message.id)
      asked?.resume(answerOf(message))
    }
    this.changed()
  }

  private changed(): void {
    for (const watcher of [...this.watchers]) watcher()
  }

  private until(condition: () => boolean): Effect.Effect<void, ThreadDied> {
    return callback((resume) => {
      const check = () => {
        if (this.death === undefined && !condition()) return
        this.watchers.delete(check)
        resume(this.death === undefined ? Effect.void : Effect.fail(this.death))
      }
      this.watchers.add(check)
      check()
      return Effect.sync(() => this.watchers.delete(check))
    })
  }
}

const answerOf = (message: Exclude<FromThread, { kind: "ready" }>): Answer => {
  switch (message.kind) {
    case "written":
      return Effect.succeed(message.result)
    case "cancelled":
      return Effect.interrupt
    case "failed":
      return Effect.suspend((): Answer => {
        const failure = decodeFailure(message.failure)
        if (failure instanceof SegmentFailure) return Effect.fail(new SegmentUnusable({ reason: failure.message }))
        return Effect.fail(isFailure(failure) ? fromFailure(failure) : new ThreadDied({ cause: failure }))
      })
  }
}

/**
 * Starts a thread of Node. Only the wait until it is ready is interruptible, and an interruption
 * ends the thread: the caller gets the thread, or there is none.
 */
export const startNodeThread =
  (program: URL): StartThread =>
  (parent) =>
    Effect.uninterruptible(
      Effect.gen(function* () {
        const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
        const close = Scope.close(scope, Exit.void)
        const thread = yield* Effect.onError(
          Effect.try({ try: () => new NodeThread(program), catch: (cause) => new ThreadDied({ cause }) }),
          () => close
        )
        yield* Scope.addFinalizer(
          scope,
          Effect.suspend(() => {
            thread.died(new Error("closed"))
            return Effect.promise(() => thread.worker.terminate())
          })
        )
        yield* Effect.onError(Effect.interruptible(thread.ready), () => close)
        return {
          merge: (request) => Effect.catchTag(thread.ask("merge", request), "SegmentUnusable", Effect.die),
          flush: (request) => thread.ask("flush", request),
          settle: thread.settle,
          unsafeIsDead: () => thread.death !== undefined,
          unsafeKeepAlive: (keep) => (keep ? thread.worker.ref() : thread.worker.unref()),
          close
        }
      })
    )
