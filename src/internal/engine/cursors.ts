import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ReadError } from "../../LsmError.js"
import type { Bytes, Cursor, Entry, TakeOptions, UnsafeCursor } from "../../Store.js"
import type { Engine } from "./engine.js"
import type { Steering } from "./steering.js"

/** Steps after which the cursor checks if it should yield to the event loop. */
const stepsPerTurn = 256

const yes = Effect.succeed(true)
const no = Effect.succeed(false)

/**
 * A cursor whose steps are Effects. A step that passes over many entries yields to the event loop
 * on its way.
 */
export class EffectCursor implements Cursor {
  private untilTurn = stepsPerTurn
  readonly current: Effect.Effect<Option.Option<Entry>, ReadError>
  readonly first: Effect.Effect<boolean, ReadError>
  readonly last: Effect.Effect<boolean, ReadError>
  readonly next: Effect.Effect<boolean, ReadError>
  readonly prev: Effect.Effect<boolean, ReadError>

  constructor(
    private readonly engine: Engine,
    private readonly steering: Steering
  ) {
    this.current = engine.read(() => {
      const key = steering.key()
      return key === undefined ? Option.none() : Option.some({ key, value: steering.value()! })
    })
    this.first = this.step((steering) => steering.first())
    this.last = this.step((steering) => steering.last())
    this.next = this.step((steering) => steering.next())
    this.prev = this.step((steering) => steering.prev())
  }

  seek = (key: Bytes): Effect.Effect<boolean, ReadError> => this.step((steering) => steering.seek(key))
  seekBefore = (key: Bytes): Effect.Effect<boolean, ReadError> => this.step((steering) => steering.seekBefore(key))

  take = (count: number, options?: TakeOptions): Effect.Effect<ReadonlyArray<Entry>, ReadError> =>
    this.engine.readThen(() => {
      const { steering } = this
      steering.beginTake(count)
      const reverse = options?.reverse === true
      const taken: Array<Entry> = []
      const more = (): Effect.Effect<ReadonlyArray<Entry>, ReadError> =>
        steering.takeMore(taken, count, reverse)
          ? Effect.succeed(taken)
          : this.afterTurn(() => {
              steering.renew()
              return more()
            })
      return more()
    })

  private step(move: (steering: Steering) => boolean): Effect.Effect<boolean, ReadError> {
    return this.engine.readThen(() => this.settled(move(this.steering)))
  }

  /** Returns whether the cursor is on an entry, once its move is complete. */
  private settled(stands: boolean): Effect.Effect<boolean, ReadError> {
    if (this.steering.isUnsettled) return this.afterTurn(() => this.settled(this.steering.goOn()))
    if (--this.untilTurn > 0) return stands ? yes : no
    this.untilTurn = stepsPerTurn
    return this.engine.afterYield(stands)
  }

  private afterTurn<A>(then: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    return Effect.zipRight(
      this.engine.parts.storage.yieldToEventLoop,
      Effect.suspend(() => this.engine.attempt(then))
    )
  }
}

/** A cursor that is closed by hand. */
export class ManualCursor implements UnsafeCursor {
  private readonly forget: () => void

  constructor(
    engine: Engine,
    private readonly steering: Steering
  ) {
    this.forget = engine.closeWithStore(() => this.close())
  }

  get valid(): boolean {
    return this.steering.stands()
  }
  key(): Uint8Array | undefined {
    return this.steering.key()
  }
  value(): Uint8Array | undefined {
    return this.steering.value()
  }
  first(): boolean {
    return this.steering.first()
  }
  last(): boolean {
    return this.steering.last()
  }
  seek(key: Bytes): boolean {
    return this.steering.seek(key)
  }
  seekBefore(key: Bytes): boolean {
    return this.steering.seekBefore(key)
  }
  next(): boolean {
    return this.steering.next()
  }
  prev(): boolean {
    return this.steering.prev()
  }

  take(count: number, options?: TakeOptions): Array<Entry> {
    const { steering } = this
    steering.beginTake(count)
    const taken: Array<Entry> = []
    while (!steering.takeMore(taken, count, options?.reverse === true));
    return taken
  }

  close(): void {
    this.forget()
    this.steering.close()
  }
}
