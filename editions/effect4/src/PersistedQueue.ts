/**
 * The `PersistedQueueStore` of `effect/persistence` on an ordered store: durable queues without polling
 * and without leases.
 *
 * @since 4.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Persisted from "effect/persistence/PersistedQueue"
import { DelayedKeys } from "./core/adapters/queue/delayedKeys.js"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { cleanUp } from "./internal/adapters/queue/cleanUp.js"
import { DelayedQueue } from "./internal/adapters/queue/delayedQueue.js"
import type { QueueReadError, QueueWriteError, Taken } from "./internal/adapters/queue/openQueue.js"
import { Queues } from "./internal/adapters/queue/queues.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type OrderedStoreService, type WriteOptions } from "./OrderedStore.js"

/**
 * Options of queues.
 *
 * @since 4.1.0
 * @category models
 */
export interface Options {
  /**
   * The name, of 1 to 1,024 bytes in UTF-8. Queues of one name are different queues if they belong to
   * instances with different names. Default `"default"`.
   */
  readonly name?: string | undefined
  /**
   * When a write is acknowledged: an offer, and what becomes of an element that was taken. Default: the
   * `durability` of the store.
   */
  readonly durability?: Durability | undefined
}

/**
 * An element that failed as often as its queue allowed, or that its Schema could not decode.
 *
 * @since 4.1.0
 * @category models
 */
export interface FailedElement {
  readonly id: string
  /** How often it was tried. */
  readonly attempts: number
  /** When it failed the last time, in milliseconds since 1970. */
  readonly failedAt: number
  /** As the Schema of the queue encodes it. */
  readonly element: unknown
}

type Service = Persisted.PersistedQueueStore["Service"]
type TakeOptions = Parameters<Service["take"]>[0]

/**
 * Makes a `PersistedQueueStore` of the program's store.
 *
 * Each queue is first in, first out; delayed elements come in when they are due, behind those that are
 * there. An offer with an id that the queue remembers does nothing; each queue has ids of its own. Only
 * ids that were given with the offer are remembered. An element whose processing was interrupted goes
 * back to its place. When the process ends, what was taken and not completed is there again in its
 * place: an element is processed at least once.
 *
 * An attempt is counted when an element is taken. That is written `"buffered"`: the count survives the
 * end of the process, and a power cut may lose it.
 *
 * No other process can have the store open, so that there are no leases and nothing expires while an
 * element is processed. Takers do not poll: an offer wakes them, or the time at which a delayed element
 * is due.
 *
 * Elements are stored as JSON. Every failure is a `PersistedQueueError`, whose `cause` is the error of
 * the store. When the store fails to record what has become of an element, the taker dies of that error,
 * and the element is taken again.
 *
 * @since 4.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Service, InvalidArgument, OrderedStore> {
  const store = yield* OrderedStore
  const { durability, name = defaultName } = options
  const fault = nameFault(name)
  if (fault !== undefined) return yield* Effect.fail(fault)
  const clock = yield* Effect.clockWith(Effect.succeed)
  const queueOf = queuesOf(store, name, clock)
  const writing = { durability }
  return {
    offer: ({ delay, element, id, isCustomId, name }) =>
      failing(
        "offer an element",
        Effect.flatMap(queueOf(name), (queue) => {
          const record = { id, attempts: 0, isCustomId, failedAt: 0, element }
          return delay === undefined
            ? queue.offer(record, writing)
            : queue.offerLater(record, queue.now + Duration.toMillis(delay), writing)
        })
      ),
    take: (options) =>
      failing(
        "take an element",
        Effect.flatMap(queueOf(options.name), (q) => take(q, options, writing))
      ),
    cleanup: ({ failedTimeToLive, timeToLive }) =>
      failing(
        "clean up",
        Effect.suspend(() => {
          const now = clock.currentTimeMillisUnsafe()
          const completed = now - Duration.toMillis(timeToLive)
          const failed = failedTimeToLive === undefined ? undefined : now - Duration.toMillis(failedTimeToLive)
          return cleanUp(store, name, { completed, failed }, writing)
        })
      )
  }
})

/**
 * A layer of `make`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Persisted.PersistedQueueStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Persisted.PersistedQueueStore, make(options))

/**
 * A layer of the `PersistedQueueFactory` that stands on `layer`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layerFactory = (
  options?: Options
): Layer.Layer<Persisted.PersistedQueueFactory, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Persisted.layer), layer(options))

/**
 * Returns the elements of a queue that failed for good, in the order of their ids. They are kept until
 * `cleanup` is told to remove them.
 *
 * @since 4.1.0
 * @category accessors
 */
export const failed = Effect.fnUntraced(function* (
  queue: string,
  options: Pick<Options, "name"> = {}
): Effect.fn.Return<Array<FailedElement>, Persisted.PersistedQueueError, OrderedStore> {
  const store = yield* OrderedStore
  const clock = yield* Clock.Clock
  const opened = queuesOf(store, options.name ?? defaultName, clock)(queue)
  const records = yield* failing(
    "read elements",
    Effect.flatMap(opened, ({ failed }) => failed)
  )
  return records.map(({ attempts, element, failedAt, id }) => ({ id, attempts, failedAt, element }))
})

const queues = new Queues<DelayedQueue>()

const queuesOf = (store: OrderedStoreService, instance: string, clock: Clock.Clock) =>
  queues.of(store, instance, (queue) => new DelayedQueue(store, new DelayedKeys(instance, queue), clock))

/** What was taken as often as allowed, and never ended, such as when its process was killed each time, has failed. */
const take = (queue: DelayedQueue, options: TakeOptions, writing: WriteOptions): ReturnType<Taking> =>
  Effect.flatMap(
    queue.take((taken) => {
      if (taken.attempts >= options.maxAttempts) {
        return Effect.as(queue.bury(taken, taken.attempts, queue.now, writing), undefined)
      }
      return Effect.flatMap(queue.count(taken), (counted) =>
        Effect.as(
          Effect.addFinalizer((exit) =>
            Effect.orDie(failing("finish an element", finish(queue, counted, exit, options, writing)))
          ),
          { id: counted.id, attempts: counted.attempts, element: counted.element }
        )
      )
    }),
    (item) => (item === undefined ? take(queue, options, writing) : Effect.succeed(item))
  )

type Taking = () => Effect.Effect<
  Effect.Success<ReturnType<Service["take"]>>,
  QueueWriteError,
  Effect.Services<ReturnType<Service["take"]>>
>

const finish = (
  queue: DelayedQueue,
  counted: Taken,
  exit: Exit.Exit<unknown, unknown>,
  { maxAttempts, retryDelay }: TakeOptions,
  writing: WriteOptions
): Effect.Effect<void, QueueWriteError> => {
  if (Exit.isSuccess(exit)) return queue.complete(counted, queue.remember(counted), writing)
  const isLost = exit.cause.reasons.some((reason) => Cause.isFailReason(reason) && isDeadLetter(reason.error))
  if (!isLost && Cause.hasInterruptsOnly(exit.cause)) return queue.giveBack(counted)
  const { attempts } = counted
  if (isLost || attempts >= maxAttempts) return queue.bury(counted, attempts, queue.now, writing)
  return Effect.flatMap(retryDelay(attempts), (delay) =>
    Duration.isPositive(delay)
      ? queue.retryLater(counted, queue.now + Duration.toMillis(delay), writing)
      : queue.requeue(counted, attempts, writing)
  )
}

/** How the factory says that its Schema cannot decode an element, so that no try can help. */
const isDeadLetter = Predicate.isTagged("~effect/persistence/PersistedQueue/DeadLetter")

const failing = <A, R>(what: string, call: Effect.Effect<A, QueueReadError | QueueWriteError, R>) =>
  Effect.mapError(call, (cause) => new Persisted.PersistedQueueError({ message: `Failed to ${what}`, cause }))
