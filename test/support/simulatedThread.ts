import * as PlatformWorker from "@effect/platform/Worker"
import type { WorkerError } from "@effect/platform/WorkerError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import { type LsmOptions, Storage, TableMerger } from "effect-lsm"
import * as CompactionWorker from "effect-lsm/CompactionWorker"
import { serveMerges } from "../../src/internal/thread/mergeRunner.js"
import { provideRunner, workerExited } from "./simulatedRunner.js"

/**
 * A simulated compaction thread. It runs the program of a real one, but in the same thread and on
 * the same simulated disk. Every message is copied, as between threads.
 */
export class SimulatedThread {
  /** `onMessage` is called for each message from the thread, and `onExit` when it ends. */
  onMessage: (message: unknown) => void = () => undefined
  onExit: () => void = () => undefined
  private inbox: ((message: unknown) => void) | undefined
  private readonly waiting: Array<unknown> = []
  private dead = false

  get isDead(): boolean {
    return this.dead
  }

  /** `turn` delivers messages. */
  constructor(
    private readonly storage: Storage.StorageService,
    private readonly turn: (next: () => void) => void,
    run: (program: Effect.Effect<void, WorkerError>) => void
  ) {
    const program = serveMerges(() => Effect.succeed(this.mortalStorage)).pipe(
      provideRunner({
        send: (message) => this.send(message),
        receive: (receiver) => {
          this.inbox = receiver
          for (const message of this.waiting.splice(0)) receiver(message)
        }
      })
    )
    run(
      Effect.ensuring(
        program,
        Effect.sync(() => this.end())
      )
    )
  }

  postMessage(message: unknown): void {
    const copy = structuredClone(message)
    this.turn(() => {
      if (this.dead) return
      if (this.inbox === undefined) this.waiting.push(copy)
      else this.inbox(copy)
    })
  }

  /** Ends the thread in the middle of its work. None of it continues. */
  kill(): void {
    this.end()
  }

  private end(): void {
    if (this.dead) return
    this.dead = true
    this.turn(() => this.onExit())
  }

  private send(message: unknown): void {
    if (this.dead) return
    const copy = structuredClone(message)
    this.turn(() => this.onMessage(copy))
  }

  /** The storage as the thread sees it. Its operations never return once the thread is dead. */
  private get mortalStorage(): Storage.StorageService {
    const unlessDead = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() =>
        this.dead ? Effect.never : Effect.flatMap(effect, (a) => (this.dead ? Effect.never : Effect.succeed(a)))
      )
    const { storage } = this
    return {
      ...storage,
      yieldToEventLoop: unlessDead(storage.yieldToEventLoop),
      remove: (path) => unlessDead(storage.remove(path)),
      syncDirectory: (path) => unlessDead(storage.syncDirectory(path))
    }
  }
}

/** The worker platform of simulated threads. */
const platform = PlatformWorker.makePlatform<SimulatedThread>()({
  setup: ({ worker, scope }) =>
    Effect.flatMap(Deferred.make<void>(), (ended) => {
      const exit = worker.onExit
      worker.onExit = () => {
        exit()
        Deferred.unsafeDone(ended, Exit.void)
      }
      const close = Effect.zipRight(
        Effect.sync(() => worker.postMessage([1])),
        Deferred.await(ended)
      )
      return Effect.as(Scope.addFinalizer(scope, close), worker)
    }),
  listen: ({ port, emit, deferred }) =>
    Effect.sync(() => {
      port.onMessage = emit
      const exit = port.onExit
      port.onExit = () => {
        exit()
        Deferred.unsafeDone(deferred, Exit.fail(workerExited()))
      }
    })
})

/**
 * A merger that sends its jobs to a simulated thread as messages. `onStart` is called with each
 * thread.
 */
export const messageMerger =
  (turn: (next: () => void) => void, onStart: (thread: SimulatedThread) => void = () => undefined) =>
  (options: LsmOptions.LsmOptions) =>
    Effect.gen(function* () {
      const storage = yield* Storage.Storage
      const runFork = Runtime.runFork(yield* Effect.runtime<never>())
      const spawn = () => {
        const thread = new SimulatedThread(storage, turn, runFork)
        onStart(thread)
        return thread
      }
      return yield* CompactionWorker.make(options).pipe(
        Effect.provideService(PlatformWorker.PlatformWorker, platform),
        Effect.provideService(PlatformWorker.Spawner, spawn)
      )
    })

/** `messageMerger` as a layer. */
export const messageMergerLayer = (
  options: LsmOptions.LsmOptions,
  turn: (next: () => void) => void = setImmediate,
  onStart?: (thread: SimulatedThread) => void
) => Layer.scoped(TableMerger.TableMerger, messageMerger(turn, onStart)(options))
