import * as Effect from "effect/Effect"
import type { ForeignValue } from "../../../core/adapters/foreignValue.js"
import type { QueueKeys } from "../../../core/adapters/queue/queueKeys.js"
import { fromRecordBytes, type QueueRecord, toRecordBytes } from "../../../core/adapters/queue/queueRecord.js"
import * as Transitions from "../../../core/adapters/queue/queueTransitions.js"
import { type Placed, ReadyElements, type Sequences } from "../../../core/adapters/queue/readyElements.js"
import type { Write } from "../../../core/adapters/write.js"
import type { OrderedStoreService, ReadError, WriteError, WriteOptions } from "../../../OrderedStore.js"
import { Gate } from "../../effect/gate.js"
import { encoding, reading } from "../attempt.js"
import { batchOf } from "../batchOf.js"
import { loneSurrogate } from "../loneSurrogate.js"

export type QueueReadError = ReadError | ForeignValue
/** A `TypeError` is that of `JSON.stringify`. */
export type QueueWriteError = WriteError | ForeignValue | TypeError

/** An element that was taken: until it is completed, requeued or buried, it is in no other hands. */
export interface Taken extends QueueRecord {
  readonly placed: Placed
}

/** How many elements are read at once. */
const readAtOnce = 64

/**
 * A queue of one store, shared by all who have it open. Nothing is written when an element is taken:
 * what was taken when the process ended is there again when the queue is opened.
 *
 * Writes of elements are not interrupted. An element whose write goes on after its offer has ended
 * might come to be visible behind the place up to which the queue was read.
 */
export class OpenQueue {
  protected readonly ready = new ReadyElements()
  protected readonly gate = new Gate()
  private readonly oneReader = Effect.unsafeMakeSemaphore(1)
  private isLoaded = false

  constructor(
    protected readonly store: OrderedStoreService,
    readonly keys: QueueKeys
  ) {}

  /** Adds an element at the end. Does nothing if its id is remembered. */
  offer(record: QueueRecord, options: WriteOptions): Effect.Effect<void, QueueWriteError> {
    if (!record.id.isWellFormed()) return Effect.fail(loneSurrogate("id"))
    return Effect.flatMap(this.loaded, () =>
      Effect.flatMap(
        encoding(() => toRecordBytes(record)),
        (bytes) => this.append(bytes, (at) => Transitions.offer(this.keys, record, at, bytes), options)
      )
    )
  }

  /**
   * Takes the first element, and waits until there is one. Only the waiting can be interrupted: `use`
   * must see to it that the element does not get lost.
   */
  take<A, E, R>(use: (taken: Taken) => Effect.Effect<A, E, R>): Effect.Effect<A, E | QueueWriteError, R> {
    return Effect.uninterruptibleMask((restore) => {
      const next: Effect.Effect<A, E | QueueWriteError, R> = Effect.suspend(() => {
        const overdue = this.overdue()
        if (overdue !== undefined) return Effect.zipRight(restore(overdue), next)
        const placed = this.ready.claim()
        if (placed !== undefined) {
          return Effect.flatMap(
            reading(() => fromRecordBytes(placed.bytes)),
            (record) => use({ ...record, placed })
          )
        }
        const isRead = this.ready.unread === undefined
        return Effect.zipRight(restore(isRead ? this.idle() : this.readMore), next)
      })
      return Effect.zipRight(restore(this.loaded), next)
    })
  }

  /** Gives an element back, to its place. Nothing is written. */
  release({ placed }: Taken): void {
    this.ready.release(placed)
    this.gate.notify()
  }

  /** Removes an element, and writes `id` with it. */
  complete(taken: Taken, id: Write | undefined, options: WriteOptions): Effect.Effect<void, WriteError> {
    return this.settle(taken, Transitions.complete(this.placeOf(taken), id), options)
  }

  /** Puts an element to the end, with other attempts. */
  requeue(taken: Taken, attempts: number, options: WriteOptions): Effect.Effect<void, WriteError> {
    const record = { ...taken, attempts }
    const appended = this.append(
      toRecordBytes(record),
      (at) => Transitions.move(this.placeOf(taken), at, record),
      options
    )
    return this.orRelease(taken, appended)
  }

  /** Puts an element among those that failed, at a time in milliseconds since 1970. */
  bury(taken: Taken, attempts: number, failedAt: number, options: WriteOptions): Effect.Effect<void, WriteError> {
    const record = { ...taken, attempts, failedAt }
    return this.settle(taken, Transitions.bury(this.keys, record, this.placeOf(taken)), options)
  }

  /** The elements that failed, in the order of their ids. */
  get failed(): Effect.Effect<Array<QueueRecord>, QueueReadError> {
    return Effect.flatMap(this.store.collect(this.keys.allFailed), (entries) =>
      reading(() => entries.map(({ value }) => fromRecordBytes(value)))
    )
  }

  protected placeOf({ placed }: Taken): Uint8Array {
    return this.keys.ready(placed.sequence)
  }

  protected settle(taken: Taken, writes: ReadonlyArray<Write>, options: WriteOptions): Effect.Effect<void, WriteError> {
    return this.orRelease(taken, this.store.write(batchOf(writes), options))
  }

  /** An element of which the store could not say what becomes of it is given to another taker. */
  private orRelease<E>(taken: Taken, write: Effect.Effect<void, E>): Effect.Effect<void, E> {
    return Effect.tapError(Effect.uninterruptible(write), () => Effect.sync(() => this.release(taken)))
  }

  /** What must be done before the next element is taken, such as to let others in. Undefined if nothing must. */
  protected overdue(): Effect.Effect<void, QueueWriteError> | undefined {
    return undefined
  }

  /** Waits until there may be an element. */
  protected idle(): Effect.Effect<void> {
    return this.untilReady
  }

  /** Writes an element at the end. `writes` returns what is written when it is there. */
  protected append(
    bytes: Uint8Array,
    writes: (at: Uint8Array) => ReadonlyArray<Write>,
    options: WriteOptions
  ): Effect.Effect<void, WriteError> {
    return Effect.suspend(() => {
      const sequence = this.ready.place()
      const ended = (isThere: boolean) => {
        this.ready.settle(sequence, isThere ? bytes : undefined)
        this.gate.notify()
      }
      return this.store.write(batchOf(writes(this.keys.ready(sequence))), options).pipe(
        Effect.as(true),
        Effect.catchTag("Conflict", () => Effect.succeed(false)),
        Effect.onExit((exit) => Effect.sync(() => ended(exit._tag === "Success" && exit.value))),
        Effect.uninterruptible,
        Effect.asVoid
      )
    })
  }

  /** Looks up the last sequence number, once. */
  protected get loaded(): Effect.Effect<void, QueueReadError> {
    return Effect.suspend(() =>
      this.isLoaded
        ? Effect.void
        : this.oneReader.withPermits(1)(Effect.suspend(() => (this.isLoaded ? Effect.void : this.load())))
    )
  }

  protected load(): Effect.Effect<void, QueueReadError> {
    const last = this.store.collect({ ...this.keys.allReady, reverse: true, limit: 1 })
    return Effect.flatMap(last, ([entry]) =>
      reading(() => {
        this.ready.begin(entry === undefined ? undefined : this.keys.sequenceOf(entry.key))
        this.isLoaded = true
      })
    )
  }

  private readonly untilReady = this.gate.until(() => (this.isReady ? true : undefined))

  protected get isReady(): boolean {
    return this.ready.hasElement || this.ready.unread !== undefined
  }

  /** Another fiber may have read it while this one waited for its turn. */
  private readonly readMore: Effect.Effect<void, QueueReadError> = this.oneReader.withPermits(1)(
    Effect.suspend(() => {
      const { ready } = this
      const { unread } = ready
      return unread === undefined || ready.hasElement ? Effect.void : this.read(unread)
    })
  )

  private read(unread: Sequences): Effect.Effect<void, QueueReadError> {
    const range = { start: this.keys.ready(unread.from), end: this.keys.ready(unread.to), limit: readAtOnce }
    return Effect.flatMap(this.store.collect(range), (entries) =>
      reading(() => {
        const elements = entries.map(({ key, value }) => ({ sequence: this.keys.sequenceOf(key), bytes: value }))
        this.ready.read(elements, unread, entries.length < readAtOnce)
        this.gate.notify()
      })
    )
  }
}
