import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Emit, StoreEvent } from "../../StoreEvent.js"
import { arrayStream } from "../effect/arrayStream.js"
import { Gate } from "../effect/gate.js"

/** So many events wait for a reader at most. */
const readerCapacity = 1024
/** So many are kept of the opening. */
const openingCapacity = 256

/** The newest events, at most `capacity`, and how many older ones have made room for them. */
class Waiting {
  private events: Array<StoreEvent> = []
  private dropped = 0
  private droppedUntil = 0

  constructor(private readonly capacity: number) {}

  add(event: StoreEvent): void {
    this.events.push(event)
    if (this.events.length <= this.capacity) return
    this.droppedUntil = this.events.shift()!.at
    this.dropped++
  }

  get isEmpty(): boolean {
    return this.events.length === 0
  }

  /** Takes all that wait, the oldest first. If some were dropped, that comes before them. */
  take(): ReadonlyArray<StoreEvent> {
    const { dropped: count, droppedUntil: at, events } = this
    this.events = []
    this.dropped = 0
    return count === 0 ? events : [{ _tag: "EventsDropped", at, reason: "tooMany", count }, ...events]
  }
}

/**
 * Hands the events of a store to its readers. Synchronous code emits them, and waits for nobody.
 *
 * The events of the opening are kept, because nobody can read them while they happen: each reader
 * gets them first. Later ones are made only if someone reads.
 */
export class EventHub {
  private opening: Waiting | undefined = new Waiting(openingCapacity)
  private ofOpening: ReadonlyArray<StoreEvent> = []
  private readonly readers = new Set<Waiting>()
  private readonly gate = new Gate()
  private isClosed = false

  /** `now` is the time in milliseconds. */
  constructor(private readonly now: () => number) {}

  readonly emit: Emit = (make) => {
    if (this.opening === undefined && this.readers.size === 0) return
    const event: StoreEvent = { ...make(), at: this.now() }
    this.opening?.add(event)
    for (const reader of this.readers) reader.add(event)
    this.gate.notify()
  }

  /** Call this when the store is open. */
  opened(): void {
    this.ofOpening = this.opening?.take() ?? []
    this.opening = undefined
  }

  /** Call this when the store has closed. Readers end when they have read what was emitted. */
  close(): void {
    this.isClosed = true
    this.gate.notify()
  }

  /** The events, from the moment at which the Stream begins to run. */
  readonly events: Stream.Stream<StoreEvent> = arrayStream(
    Effect.sync(() => this.subscribe()),
    (reader) => ({ next: this.next(reader), hasMore: () => true }),
    (reader) => this.readers.delete(reader)
  )

  private subscribe(): Waiting {
    const reader = new Waiting(readerCapacity)
    if (this.isClosed) return reader
    for (const event of this.ofOpening) reader.add(event)
    this.readers.add(reader)
    return reader
  }

  /** The next events; none if the store has closed. */
  private next(reader: Waiting): Effect.Effect<ReadonlyArray<StoreEvent>> {
    return this.gate.until(() => (reader.isEmpty && !this.isClosed ? undefined : reader.take()))
  }
}
