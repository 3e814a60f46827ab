/**
 * The `PersistedQueueStore` of `@effect/experimental` on an ordered store: durable queues without
 * polling and without leases.
 *
 * @since 3.1.0
 */
import * as Experimental from "@effect/experimental/PersistedQueue"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { QueueKeys } from "./core/adapters/queue/queueKeys.js"
import { rememberFor } from "./core/adapters/queue/queueTransitions.js"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import {
  OpenQueue,
  type QueueReadError,
  type QueueWriteError,
  type Taken
} from "./internal/adapters/queue/openQueue.js"
import { Queues } from "./internal/adapters/queue/queues.js"
import { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type OrderedStoreService, type WriteOptions } from "./OrderedStore.js"

/**
 * Options of queues.
 *
 * @since 3.1.0
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
  /**
   * How long the id of an element is remembered after the element was processed. Only ids that were
   * given with the offer are remembered. Default: for good.
   */
  readonly idTimeToLive?: Duration.DurationInput | undefined
}

/**
 * An element that failed as often as its taker allowed.
 *
 * @since 3.1.0
 * @category models
 */
export interface FailedElement {
  readonly id: string
  /** How often it failed. */
  readonly attempts: number
  /** When it failed the last time, in milliseconds since 1970. */
  readonly failedAt: number
  /** As the Schema of the queue encodes it. */
  readonly element: unknown
}

/**
 * Makes a `PersistedQueueStore` of the program's store.
 *
 * Each queue is first in, first out. An offer with an id that the queue remembers does nothing; each
 * queue has ids of its own. An element that failed goes to the end of its queue, and counts the attempt.
 * An element whose processing was interrupted goes back to its place, and counts none. When the process
 * ends, what was taken and not completed is there again in its place, and counts no attempt: an element
 * is processed at least once. An element that failed `maxAttempts` times is kept among those that
 * `failed` returns.
 *
 * No other process can have the store open, so that there are no leases and nothing expires while an
 * element is processed. Takers do not poll: an offer wakes them.
 *
 * Elements are stored as JSON. Every failure is a `PersistedQueueError`, whose `cause` is the error of
 * the store or the `TypeError` of an element that has no JSON. When the store fails to record what has
 * become of an element, the taker dies of that error, and the element is taken again.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Experimental.PersistedQueueStore["Type"], InvalidArgument, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => {
    const { durability, idTimeToLive, name = defaultName } = options
    const fault = nameFault(name)
    if (fault !== undefined) return Effect.fail(fault)
    const idTtl = idTimeToLive === undefined ? undefined : millisOf(idTimeToLive)
    if (idTtl !== undefined && idTtl <= 0) {
      return Effect.fail(
        new InvalidArgument({ argument: "idTimeToLive", reason: "must be a duration, longer than nothing" })
      )
    }
    const queueOf = queuesOf(store, name)
    const writing = { durability }
    return Effect.succeed(
      Experimental.PersistedQueueStore.of({
        offer: ({ element, id, isCustomId, name }) =>
          mapError(
            "offer",
            Effect.flatMap(queueOf(name), (queue) =>
              queue.offer({ id, attempts: 0, isCustomId, failedAt: 0, element }, writing)
            )
          ),
        take: ({ maxAttempts, name }) =>
          mapError(
            "take",
            Effect.flatMap(queueOf(name), (queue) =>
              queue.take((taken) =>
                Effect.as(
                  Effect.addFinalizer((exit) =>
                    Effect.orDie(mapError("finish", finish(queue, taken, exit, maxAttempts, idTtl, writing)))
                  ),
                  { id: taken.id, attempts: taken.attempts, element: taken.element }
                )
              )
            )
          )
      })
    )
  })

/**
 * A layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Experimental.PersistedQueueStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Experimental.PersistedQueueStore, make(options))

/**
 * A layer of the `PersistedQueueFactory` that stands on `layer`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerFactory = (
  options?: Options
): Layer.Layer<Experimental.PersistedQueueFactory, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Experimental.layer), layer(options))

/**
 * Returns the elements of a queue that failed as often as their takers allowed, in the order of their
 * ids. They are kept for good.
 *
 * @since 3.1.0
 * @category accessors
 */
export const failed = (
  queue: string,
  options: Pick<Options, "name"> = {}
): Effect.Effect<Array<FailedElement>, Experimental.PersistedQueueError, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) =>
    mapError(
      "read",
      Effect.map(
        Effect.flatMap(queuesOf(store, options.name ?? defaultName)(queue), ({ failed }) => failed),
        (records) => records.map(({ attempts, element, failedAt, id }) => ({ id, attempts, failedAt, element }))
      )
    )
  )

const queues = new Queues<OpenQueue>()

const queuesOf = (store: OrderedStoreService, instance: string) =>
  queues.of(store, instance, (queue) => new OpenQueue(store, new QueueKeys(instance, queue)))

/** 0 for what is no duration. */
const millisOf = (input: unknown): number =>
  Option.match(Duration.decodeUnknown(input), { onNone: () => 0, onSome: Duration.toMillis })

const finish = (
  queue: OpenQueue,
  taken: Taken,
  exit: Exit.Exit<unknown, unknown>,
  maxAttempts: number,
  idTtl: number | undefined,
  writing: WriteOptions
): Effect.Effect<void, QueueWriteError> => {
  if (Exit.isSuccess(exit)) {
    return queue.complete(taken, idTtl === undefined ? undefined : rememberFor(queue.keys, taken, idTtl), writing)
  }
  if (Exit.isInterrupted(exit)) return Effect.sync(() => queue.release(taken))
  const attempts = taken.attempts + 1
  if (attempts < maxAttempts) return queue.requeue(taken, attempts, writing)
  return Effect.flatMap(Clock.currentTimeMillis, (now) => queue.bury(taken, attempts, now, writing))
}

const mapError = <A, R>(what: string, effect: Effect.Effect<A, QueueReadError | QueueWriteError, R>) =>
  Effect.mapError(
    effect,
    (cause) =>
      new Experimental.PersistedQueueError({ message: `Failed to ${what} an element of a persisted queue`, cause })
  )
