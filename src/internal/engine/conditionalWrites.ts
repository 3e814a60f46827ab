import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { equals } from "../../core/bytes/bytes.js"
import { InvalidArgument, type WriteError } from "../../LsmError.js"
import type { Bytes, WriteOptions } from "../../Store.js"
import { immediate } from "../effect/immediate.js"
import type { Conditions, Newest } from "./conditions.js"
import { type Engine, toBytes, toReadError } from "./engine.js"
import { owned, type Writes } from "./writes.js"

/** So often an update begins again because its function has written to the store. */
const mostTries = 10

type Outcome<A> = Effect.Effect<A, WriteError>

/** Writes that depend on the value that a key has. */
export class ConditionalWrites {
  constructor(
    private readonly engine: Engine,
    private readonly writes: Writes,
    private readonly conditions: Conditions
  ) {}

  readonly update = (
    key: Bytes,
    f: (value: Option.Option<Uint8Array>) => Bytes | null | undefined,
    options?: WriteOptions
  ): Outcome<Option.Option<Uint8Array>> =>
    immediate(this.engine.yieldBudget, () => this.updateNow(key, f, options, mostTries))

  readonly compareAndSet = (
    key: Bytes,
    expected: Option.Option<Bytes>,
    value: Option.Option<Bytes>,
    options?: WriteOptions
  ): Outcome<boolean> => immediate(this.engine.yieldBudget, () => this.setNow(key, expected, value, options))

  private updateNow(
    key: Bytes,
    f: (value: Option.Option<Uint8Array>) => Bytes | null | undefined,
    options: WriteOptions | undefined,
    tries: number
  ): Outcome<Option.Option<Uint8Array>> {
    const { engine, writes } = this
    const again = (left: number) => {
      const ownKey = owned(key)
      return () => this.updateNow(ownKey, f, options, left)
    }
    return this.withNewest(key, again(tries), ({ value, isApplied }) => {
      const numbered = engine.nextSequence
      const before = value === undefined ? Option.none() : Option.some(value)
      let next: Bytes | null | undefined
      try {
        next = f(before)
      } catch (defect) {
        return Effect.die(defect)
      }
      if (engine.nextSequence !== numbered) {
        if (tries > 1) return Effect.suspend(again(tries - 1))
        return Effect.fail(new InvalidArgument({ argument: "f", reason: "writes to the store again and again" }))
      }
      if (writes.mustWait()) return writes.waitThen(again(tries))
      if (next === undefined || (next === null && value === undefined)) return this.afterApplied(before, isApplied)
      if (next === null) return Effect.as(writes.deleteNow(key, options), Option.none())
      const bytes = Uint8Array.from(toBytes(next, "value"))
      return Effect.as(writes.putNow(key, bytes, options), Option.some(bytes))
    })
  }

  private setNow(
    key: Bytes,
    expected: Option.Option<Bytes>,
    value: Option.Option<Bytes>,
    options: WriteOptions | undefined
  ): Outcome<boolean> {
    const { writes } = this
    const [ownKey, ownExpected, ownValue] = [owned(key), Option.map(expected, owned), Option.map(value, owned)]
    const again = () => this.setNow(ownKey, ownExpected, ownValue, options)
    return this.withNewest(key, again, ({ value: present, isApplied }) => {
      const wanted = Option.isSome(expected) ? toBytes(expected.value, "expected") : undefined
      const isEqual = wanted === undefined || present === undefined ? wanted === present : equals(wanted, present)
      if (!isEqual) return this.afterApplied(false, isApplied)
      if (present === undefined && Option.isNone(value)) return this.afterApplied(true, isApplied)
      const written = Option.isSome(value) ? writes.putNow(key, value.value, options) : writes.deleteNow(key, options)
      return Effect.as(written, true)
    })
  }

  /**
   * Passes on the newest value of a key, in a stretch in which a write may be numbered. Calls `again`
   * after a wait, if there has to be one.
   */
  private withNewest<A>(key: Bytes, again: () => Outcome<A>, use: (newest: Newest) => Outcome<A>): Outcome<A> {
    const { conditions, writes } = this
    const refusal = writes.refusalOf(key)
    if (refusal !== undefined) return Effect.fail(refusal)
    if (writes.mustWait()) return writes.waitThen(again)
    const unknown = conditions.untilKnown()
    if (unknown !== undefined) return Effect.zipRight(unknown, Effect.suspend(again))
    try {
      const newest = conditions.newest(key)
      if (newest === undefined) return Effect.zipRight(conditions.untilApplied(), Effect.suspend(again))
      return use(newest)
    } catch (failure) {
      return Effect.fail(toReadError(failure))
    }
  }

  /** A result that shows what a record says is returned once readers see the record. */
  private afterApplied<A>(result: A, isApplied: boolean): Outcome<A> {
    return isApplied ? Effect.succeed(result) : Effect.as(this.conditions.untilApplied(), result)
  }
}
