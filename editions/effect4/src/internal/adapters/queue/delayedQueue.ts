import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { toJson } from "../../../core/adapters/jsonValue.js"
import type { DelayedKeys } from "../../../core/adapters/queue/delayedKeys.js"
import { type QueueRecord, toRecordBytes } from "../../../core/adapters/queue/queueRecord.js"
import * as Transitions from "../../../core/adapters/queue/queueTransitions.js"
import { put, remove, type Write } from "../../../core/adapters/write.js"
import type { Entry, OrderedStoreService, WriteError, WriteOptions } from "../../../OrderedStore.js"
import { encoding, reading } from "../attempt.js"
import { batchOf } from "../batchOf.js"
import { loneSurrogate } from "../loneSurrogate.js"
import { OpenQueue, type QueueReadError, type QueueWriteError, type Taken } from "./openQueue.js"

/** How many delayed elements are let in at once. */
const letInAtOnce = 64

/** Moves and counts that need not survive a power cut. */
const buffered: WriteOptions = { durability: "buffered" }

/** A queue whose elements may be delayed, and that counts an attempt when an element is taken. */
export class DelayedQueue extends OpenQueue {
  /** No delayed element is due before this time. */
  private dueAt = Number.POSITIVE_INFINITY
  private delayed = 0
  private readonly oneAtATime = Semaphore.makeUnsafe(1)

  constructor(
    store: OrderedStoreService,
    override readonly keys: DelayedKeys,
    private readonly clock: Clock.Clock
  ) {
    super(store, keys)
  }

  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** Adds an element that is taken from `dueAt` on. */
  offerLater(record: QueueRecord, dueAt: number, options: WriteOptions): Effect.Effect<void, QueueWriteError> {
    if (!record.id.isWellFormed()) return Effect.fail(loneSurrogate("id"))
    return Effect.flatMap(this.loaded, () =>
      Effect.flatMap(
        encoding(() => toRecordBytes(record)),
        (bytes) => {
          const key = this.keys.delayed(dueAt, this.delayed++, record.id)
          return this.store.write(batchOf(Transitions.offer(this.keys, record, key, bytes)), options).pipe(
            Effect.andThen(Effect.sync(() => this.expect(dueAt))),
            Effect.catchTag("Conflict", () => Effect.void),
            Effect.uninterruptible
          )
        }
      )
    )
  }

  /** Delays an element that was taken. */
  retryLater(taken: Taken, dueAt: number, options: WriteOptions): Effect.Effect<void, WriteError> {
    const key = this.keys.delayed(dueAt, this.delayed++, taken.id)
    const moved = this.settle(taken, Transitions.move(this.placeOf(taken), key, taken), options)
    return Effect.andThen(
      moved,
      Effect.sync(() => this.expect(dueAt))
    )
  }

  /** Counts the attempt of an element that was just taken, and returns it with the count. */
  count(taken: Taken): Effect.Effect<Taken, WriteError> {
    const counted = { ...taken, attempts: taken.attempts + 1 }
    return Effect.as(this.settle(taken, [put(this.placeOf(taken), toRecordBytes(counted))], buffered), counted)
  }

  /** Gives an element back whose attempt does not count. If that cannot be written, it counts. */
  giveBack(counted: Taken): Effect.Effect<void> {
    const { bytes } = counted.placed
    return this.store
      .write(batchOf([put(this.placeOf(counted), bytes)]), buffered)
      .pipe(Effect.ignore, Effect.andThen(Effect.sync(() => this.release(counted))))
  }

  /** Remembers that an element was processed now. */
  remember(record: QueueRecord): Write | undefined {
    return record.isCustomId ? put(this.keys.id(record.id), toJson(this.now)) : undefined
  }

  protected override load(): Effect.Effect<void, QueueReadError> {
    const first = Effect.flatMap(this.store.collect({ ...this.keys.allDelayed, limit: 1 }), ([entry]) =>
      reading(() => {
        if (entry !== undefined) this.expect(this.keys.dueAtOf(entry.key))
      })
    )
    return Effect.andThen(first, super.load())
  }

  protected override overdue(): Effect.Effect<void, QueueWriteError> | undefined {
    return this.dueAt <= this.now ? this.letIn : undefined
  }

  protected override idle(): Effect.Effect<void> {
    const { dueAt } = this
    const untilChange = this.gate.until(() => (this.isReady || this.dueAt < dueAt ? true : undefined))
    if (dueAt === Number.POSITIVE_INFINITY) return untilChange
    return Effect.asVoid(Effect.raceFirst(untilChange, Effect.sleep(Math.max(0, dueAt - this.now))))
  }

  private expect(dueAt: number): void {
    this.dueAt = Math.min(this.dueAt, Math.ceil(dueAt))
    this.gate.notify()
  }

  /** Puts the delayed elements that are due to the end of the queue. */
  private readonly letIn: Effect.Effect<void, QueueWriteError> = this.oneAtATime.withPermits(1)(
    Effect.suspend(() => {
      const { now } = this
      if (this.dueAt > now) return Effect.void
      // An element that is written meanwhile may be due earlier than those that are read now.
      this.dueAt = Number.POSITIVE_INFINITY
      return this.store.collect({ ...this.keys.allDelayed, limit: letInAtOnce }).pipe(
        Effect.flatMap((entries) => this.letInDue(entries, now)),
        Effect.onError(() => Effect.sync(() => this.expect(now)))
      )
    })
  )

  private letInDue(entries: ReadonlyArray<Entry>, now: number): Effect.Effect<void, QueueWriteError> {
    return Effect.flatMap(
      reading(() => entries.map(({ key, value }) => ({ key, value, dueAt: this.keys.dueAtOf(key) }))),
      (elements) => {
        const due = elements.filter(({ dueAt }) => dueAt <= now)
        const next = elements[due.length]?.dueAt ?? (elements.length === letInAtOnce ? now : undefined)
        return Effect.andThen(
          Effect.forEach(due, ({ key, value }) => this.append(value, (at) => [remove(key), put(at, value)], buffered), {
            discard: true
          }),
          Effect.sync(() => {
            if (next !== undefined) this.expect(next)
          })
        )
      }
    )
  }
}
