import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { LsmError, Store } from "effect-lsm"
import type { Step } from "./commands.js"
import { bytes, hexOf, mismatch, show, textOf } from "./text.js"

/** Both kinds of cursor behind one interface, so that both get the same checks. */
interface Steered {
  readonly cursor: Store.Cursor
  readonly close: Effect.Effect<void>
}

const attempt = <A>(evaluate: () => A): Effect.Effect<A, LsmError.ReadError> =>
  Effect.try({ try: evaluate, catch: (error) => error as LsmError.ReadError })

const openUnsafe = (store: Store.Store, options: Store.CursorOptions): Effect.Effect<Steered, LsmError.ReadError> =>
  Effect.map(
    attempt(() => store.unsafeCursor(options)),
    (cursor) => ({
      close: Effect.sync(() => cursor.close()),
      cursor: {
        current: attempt(() =>
          cursor.valid ? Option.some({ key: cursor.key()!, value: cursor.value()! }) : Option.none()
        ),
        first: attempt(() => cursor.first()),
        last: attempt(() => cursor.last()),
        next: attempt(() => cursor.next()),
        prev: attempt(() => cursor.prev()),
        seek: (key) => attempt(() => cursor.seek(key)),
        seekBefore: (key) => attempt(() => cursor.seekBefore(key)),
        take: (count, taking) => attempt(() => cursor.take(count, taking))
      }
    })
  )

const openSafe = (store: Store.Store, options: Store.CursorOptions): Effect.Effect<Steered, LsmError.ReadError> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const close = Scope.close(scope, Exit.void)
    const cursor = yield* Effect.onError(Scope.extend(store.cursor(options), scope), () => close)
    return { cursor, close }
  })

type Row = readonly [key: string, value: string]

interface Position extends Steered {
  /** The rows that it moves over. */
  readonly rows: ReadonlyArray<Row>
  /** The expected position: -1 for none, undefined before the first move. */
  at: number | undefined
}

/** At most this many cursors stay open. The newest one is moved. */
const most = 3

const toRow = ({ key, value }: Store.Entry): string => `${hexOf(key)}=${textOf(value)}`

/** Open cursors, and their expected positions. */
export class Positions {
  private readonly open_: Array<Position> = []

  get forget(): Effect.Effect<void> {
    return Effect.suspend(() => Effect.forEach(this.open_.splice(0), ({ close }) => close, { discard: true }))
  }

  open(
    store: Store.Store,
    options: Store.CursorOptions,
    rows: ReadonlyArray<Row>,
    unsafe: boolean
  ): Effect.Effect<void, LsmError.ReadError> {
    return Effect.gen(this, function* () {
      const opened = yield* (unsafe ? openUnsafe : openSafe)(store, options)
      const seen: ReadonlyArray<Row> = options.keysOnly === true ? rows.map(([key]) => [key, ""]) : rows
      this.open_.push({ ...opened, rows: seen, at: undefined })
      if (this.open_.length > most) yield* this.open_.shift()!.close
    })
  }

  /**
   * Moves the newest cursor, and returns the result of each step. Closes the cursor if a step
   * fails.
   */
  steer(steps: ReadonlyArray<Step>): Effect.Effect<string, LsmError.ReadError> {
    return Effect.gen(this, function* () {
      const position = this.open_.at(-1)
      if (position === undefined) return "no cursor"
      const results: Array<string> = []
      for (const step of steps) {
        const due = advance(position, step)
        const found = yield* move(position.cursor, step)
        results.push(found)
        if (found !== due) yield* mismatch(`the step ${show(step)} of a cursor`, found, [due])
      }
      return results.join("; ")
    }).pipe(
      Effect.tapError(() => {
        const lost = this.open_.pop()
        return lost === undefined ? Effect.void : lost.close
      })
    )
  }
}

/** Moves a cursor. Returns the result and the new position, as text. */
const move = (cursor: Store.Cursor, step: Step): Effect.Effect<string, LsmError.ReadError> =>
  Effect.gen(function* () {
    const result =
      step.step === "take"
        ? (yield* cursor.take(step.count, { reverse: step.reverse })).map(toRow).join(", ")
        : step.step === "seek" || step.step === "seekBefore"
          ? yield* cursor[step.step](bytes(step.key))
          : yield* cursor[step.step]
    const current = yield* cursor.current
    return `${result}, at ${Option.match(current, { onNone: () => "none", onSome: toRow })}`
  })

/** Makes the same move on the rows. Returns the expected text. */
const advance = (position: Position, step: Step): string => {
  const { at, rows } = position
  const within = (index: number): number => (index >= 0 && index < rows.length ? index : -1)
  const text = ([key, value]: Row): string => `${key}=${value}`
  let taken: string | undefined
  let next: number
  switch (step.step) {
    case "first":
      next = within(0)
      break
    case "last":
      next = within(rows.length - 1)
      break
    case "next":
      next = at === undefined ? within(0) : at === -1 ? -1 : within(at + 1)
      break
    case "prev":
      next = at === undefined ? within(rows.length - 1) : at === -1 ? -1 : within(at - 1)
      break
    case "seek":
      next = rows.findIndex(([key]) => key >= step.key)
      break
    case "seekBefore":
      next = rows.findLastIndex(([key]) => key < step.key)
      break
    case "take": {
      const { count, reverse } = step
      const start = at ?? within(reverse ? rows.length - 1 : 0)
      const from = reverse ? Math.max(0, start + 1 - count) : start
      const some = start === -1 ? [] : rows.slice(from, reverse ? start + 1 : start + count)
      taken = (reverse ? [...some].reverse() : some).map(text).join(", ")
      next = start === -1 ? -1 : within(reverse ? start - count : start + count)
    }
  }
  position.at = next
  return `${taken ?? next !== -1}, at ${next === -1 ? "none" : text(rows[next]!)}`
}
