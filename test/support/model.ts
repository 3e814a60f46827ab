import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { type LsmError, type LsmStore, WriteBatch } from "effect-lsm"
import { toArray } from "./bytes.js"

/** Few keys, so that they meet each other: in hexadecimal, which sorts as their bytes do. */
const key = fc.oneof(
  fc.constantFrom("", "00", "61", "6100", "6161", "ff", "ffff"),
  fc.array(fc.constantFrom("61", "62", "63"), { maxLength: 3 }).map((bytes) => bytes.join("")),
  fc.integer({ min: 0, max: 40 }).map((n) => `6b${n.toString(16).padStart(2, "0")}`)
)
const value = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer({ min: 0, max: 300 }).map((n) => "v".repeat(n))
)
const bound = fc.option(key, { nil: undefined })
const from = fc.constantFrom("now", "snapshot" as const)

const steps = fc.oneof(
  fc.record({
    step: fc.constantFrom<"next" | "prev" | "first" | "last">("next", "prev", "next", "prev", "first", "last")
  }),
  fc.record({ step: fc.constantFrom<"seek" | "seekBefore">("seek", "seekBefore"), key }),
  fc.record({ step: fc.constant("take" as const), count: fc.integer({ min: 0, max: 5 }) })
)

type Step = typeof steps extends fc.Arbitrary<infer A> ? A : never

const tagged = <const Tag extends string, A>(tag: Tag, fields: fc.Arbitrary<A>) =>
  fields.map((given) => ({ _tag: tag, ...given }))

const put = tagged("Put", fc.record({ key, value }))
const remove = tagged("Delete", fc.record({ key }))

/** What can be done to a store. */
export const commands = fc.oneof(
  { weight: 8, arbitrary: put },
  { weight: 4, arbitrary: remove },
  {
    weight: 3,
    arbitrary: tagged("Batch", fc.record({ operations: fc.array(fc.oneof(put, remove), { maxLength: 8 }) }))
  },
  { weight: 3, arbitrary: tagged("Get", fc.record({ key, from })) },
  {
    weight: 4,
    arbitrary: tagged(
      "Scan",
      fc.record({
        start: bound,
        end: bound,
        prefix: bound,
        reverse: fc.boolean(),
        limit: fc.option(fc.nat(10), { nil: undefined }),
        chunkSize: fc.constantFrom(1, 3, 512),
        from
      })
    )
  },
  {
    weight: 3,
    arbitrary: tagged("Steer", fc.record({ start: bound, end: bound, from, steps: fc.array(steps, { maxLength: 12 }) }))
  },
  { weight: 1, arbitrary: tagged("Snapshot", fc.record({})) },
  { weight: 1, arbitrary: tagged("Release", fc.record({})) },
  { weight: 2, arbitrary: tagged("Flush", fc.record({})) },
  { weight: 1, arbitrary: tagged("Compact", fc.record({ start: bound, end: bound })) },
  { weight: 1, arbitrary: tagged("Reopen", fc.record({})) }
)

export type Command = typeof commands extends fc.Arbitrary<infer A> ? A : never

type Model = ReadonlyMap<string, string>
type Row = readonly [key: string, value: string]

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
const bytesOf = (hex: string | undefined): Uint8Array | undefined => (hex === undefined ? undefined : bytes(hex))
const toRow = ({ key, value }: LsmStore.Entry): Row => [
  Buffer.from(key).toString("hex"),
  Buffer.from(value).toString("utf8")
]

const rowsOf = (model: Model, start?: string, end?: string, prefix = ""): ReadonlyArray<Row> =>
  [...model]
    .filter(([k]) => (start === undefined || k >= start) && (end === undefined || k < end) && k.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))

/** A store, the map that it must equal, and the snapshots of both. */
export class Run {
  private model = new Map<string, string>()
  private snapshots: Array<{
    readonly scope: Scope.CloseableScope
    readonly of: LsmStore.Snapshot
    readonly model: Model
  }> = []

  constructor(public store: LsmStore.Store) {}

  /** Lets go of every snapshot. */
  get forget(): Effect.Effect<void> {
    return Effect.forEach(this.snapshots.splice(0), ({ scope }) => Scope.close(scope, Exit.void), { discard: true })
  }

  perform(command: Command): Effect.Effect<void, LsmError.WriteError> {
    const { store } = this
    switch (command._tag) {
      case "Put":
        this.model.set(command.key, command.value)
        return store.put(bytes(command.key), command.value)
      case "Delete":
        this.model.delete(command.key)
        return store.delete(bytes(command.key))
      case "Batch": {
        const batch = WriteBatch.make()
        for (const operation of command.operations) {
          if (operation._tag === "Put") {
            batch.put(bytes(operation.key), operation.value)
            this.model.set(operation.key, operation.value)
          } else {
            batch.delete(bytes(operation.key))
            this.model.delete(operation.key)
          }
        }
        return store.write(batch)
      }
      case "Get":
        return this.get(command.key, command.from)
      case "Scan":
        return this.scan(command)
      case "Steer":
        return Effect.scoped(this.steer(command))
      case "Snapshot":
        return Effect.gen(this, function* () {
          const scope = yield* Scope.make()
          const of = yield* Scope.extend(store.snapshot, scope)
          this.snapshots.push({ scope, of, model: new Map(this.model) })
        })
      case "Release":
        return Effect.suspend(() => {
          const snapshot = this.snapshots.shift()
          return snapshot === undefined ? Effect.void : Scope.close(snapshot.scope, Exit.void)
        })
      case "Flush":
        return store.flush
      case "Compact":
        return store.compact({ start: bytesOf(command.start), end: bytesOf(command.end) })
      case "Reopen":
        return Effect.void
    }
  }

  get compareAll(): Effect.Effect<void, LsmError.ReadError> {
    return Effect.gen(this, function* () {
      const all = { start: undefined, end: undefined, prefix: undefined, limit: undefined, chunkSize: 512 }
      for (const from of ["now", "snapshot"] as const) {
        yield* this.scan({ ...all, reverse: false, from })
        yield* this.scan({ ...all, reverse: true, from })
      }
      for (const key of this.model.keys()) yield* this.get(key, "now")
    })
  }

  /** The oldest snapshot there is, or now. */
  private view(from: string): { readonly snapshot: LsmStore.Snapshot | undefined; readonly model: Model } {
    const oldest = from === "snapshot" ? this.snapshots[0] : undefined
    return { snapshot: oldest?.of, model: oldest?.model ?? this.model }
  }

  private get(key: string, from: string): Effect.Effect<void, LsmError.ReadError> {
    return Effect.gen(this, function* () {
      const { snapshot, model } = this.view(from)
      const expected = Option.fromNullable(model.get(key))
      expect(yield* this.store.getString(bytes(key), { snapshot }), key).toStrictEqual(expected)
      expect(yield* this.store.has(bytes(key), { snapshot }), key).toBe(Option.isSome(expected))
    })
  }

  private scan(
    command: Omit<Extract<Command, { readonly _tag: "Scan" }>, "_tag">
  ): Effect.Effect<void, LsmError.ReadError> {
    return Effect.gen(this, function* () {
      const { limit, reverse, chunkSize } = command
      const { snapshot, model } = this.view(command.from)
      const expected = rowsOf(model, command.start, command.end, command.prefix)
      const range = {
        start: bytesOf(command.start),
        end: bytesOf(command.end),
        prefix: bytesOf(command.prefix),
        snapshot
      }
      const found = yield* toArray(this.store.scan({ ...range, limit, reverse, chunkSize }))
      expect(found.map(toRow)).toStrictEqual((reverse ? [...expected].reverse() : expected).slice(0, limit))
      expect(yield* this.store.count(range)).toBe(expected.length)
    })
  }

  private steer(
    command: Extract<Command, { readonly _tag: "Steer" }>
  ): Effect.Effect<void, LsmError.ReadError, Scope.Scope> {
    return Effect.gen(this, function* () {
      const { snapshot, model } = this.view(command.from)
      const rows = rowsOf(model, command.start, command.end)
      const cursor = yield* this.store.cursor({ start: bytesOf(command.start), end: bytesOf(command.end), snapshot })
      /** Where the cursor must stand; undefined before it has been moved. */
      let at: number | undefined
      const moved = (to: number): number => (to >= 0 && to < rows.length ? to : -1)
      for (const step of command.steps) {
        at = yield* Effect.suspend(() => this.step(cursor, step, rows, at, moved))
        const expected = at === -1 ? Option.none() : Option.some(rows[at]!)
        expect(Option.map(yield* cursor.current, toRow), JSON.stringify(step)).toStrictEqual(expected)
      }
    })
  }

  private step(
    cursor: LsmStore.Cursor,
    step: Step,
    rows: ReadonlyArray<Row>,
    at: number | undefined,
    moved: (to: number) => number
  ): Effect.Effect<number, LsmError.ReadError> {
    const expectStanding = (move: Effect.Effect<boolean, LsmError.ReadError>, to: number) =>
      Effect.map(move, (standing) => {
        expect(standing, JSON.stringify(step)).toBe(to !== -1)
        return to
      })
    switch (step.step) {
      case "first":
        return expectStanding(cursor.first, moved(0))
      case "last":
        return expectStanding(cursor.last, moved(rows.length - 1))
      case "next":
        return expectStanding(cursor.next, at === undefined ? moved(0) : at === -1 ? -1 : moved(at + 1))
      case "prev":
        return expectStanding(cursor.prev, at === undefined ? moved(rows.length - 1) : at === -1 ? -1 : moved(at - 1))
      case "seek":
        return expectStanding(
          cursor.seek(bytes(step.key)),
          rows.findIndex(([k]) => k >= step.key)
        )
      case "seekBefore":
        return expectStanding(
          cursor.seekBefore(bytes(step.key)),
          rows.findLastIndex(([k]) => k < step.key)
        )
      case "take":
        return Effect.map(cursor.take(step.count), (taken) => {
          const start = at ?? 0
          const expected = start === -1 ? [] : rows.slice(start, start + step.count)
          expect(taken.map(toRow)).toStrictEqual(expected)
          return start === -1 ? -1 : moved(start + step.count)
        })
    }
  }
}
