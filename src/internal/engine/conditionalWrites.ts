import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { equals } from "../../core/bytes/bytes.js"
import { InvalidArgument, type WriteError } from "../../LsmError.js"
import type { Bytes, PutOptions, WriteOptions } from "../../Store.js"
import { immediate } from "../effect/immediate.js"
import { resolveExpiry } from "../expiry/expiry.js"
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
    options?: PutOptions
  ): Outcome<Option.Option<Uint8Array>> =>
    immediate(this.engine.yieldBudget, () => {
      const refusal = this.writes.refusalOf(key)
      if (refusal !== undefined) return Effect.fail(refusal)
      if (typeof f !== "function")
        return Effect.fail(new InvalidArgument({ argument: "f", reason: "is not a function" }))
      // `f`, or others during a wait, may change the bytes of the caller.
      return this.updateNow(owned(key), f, options, mostTries)
    })

  readonly compareAndSet = (
    key: Bytes,
    expected: Option.Option<Bytes>,
    value: Option.Option<Bytes>,
    options?: PutOptions
  ): Outcome<boolean> =>
    immediate(this.engine.yieldBudget, () => {
      const refusal = this.writes.refusalOf(key)
      if (refusal !== undefined) return Effect.fail(refusal)
      try {
        return this.setNow(owned(key), ownedOption(expected, "expected"), ownedOption(value, "value"), options)
      } catch (failure) {
        return Effect.fail(toReadError(failure))
      }
    })

  readonly expire = (key: Bytes, options: PutOptions): Outcome<boolean> =>
    immediate(this.engine.yieldBudget, () => {
      const refusal = this.writes.refusalOf(key)
      if (refusal !== undefined) return Effect.fail(refusal)
      const expiry = resolveExpiry(options ?? {})
      if (expiry instanceof InvalidArgument) return Effect.fail(expiry)
      if (expiry !== undefined) return this.writeAgain(owned(key), options, () => true)
      return Effect.fail(new InvalidArgument({ argument: "options", reason: "say neither ttl nor expiresAt" }))
    })

  readonly persist = (key: Bytes, options?: WriteOptions): Outcome<boolean> =>
    immediate(this.engine.yieldBudget, () => {
      const refusal = this.writes.refusalOf(key)
      if (refusal !== undefined) return Effect.fail(refusal)
      const { durability } = options ?? {}
      return this.writeAgain(owned(key), { durability }, ({ expiresAt }) => expiresAt !== undefined)
    })

  /** Writes the value of a key again, if there is one and it is due. Returns whether it did. */
  private writeAgain(key: Bytes, options: PutOptions, isDue: (newest: Newest) => boolean): Outcome<boolean> {
    const again = () => this.writeAgain(key, options, isDue)
    return this.withNewest(key, again, (newest) => {
      const { isApplied, value } = newest
      if (value === undefined || !isDue(newest)) return this.afterApplied(false, isApplied)
      return Effect.as(this.writes.putNow(key, value, options), true)
    })
  }

  private updateNow(
    key: Bytes,
    f: (value: Option.Option<Uint8Array>) => Bytes | null | undefined,
    options: PutOptions | undefined,
    tries: number
  ): Outcome<Option.Option<Uint8Array>> {
    const { engine, writes } = this
    const again = (left: number) => () => this.updateNow(key, f, options, left)
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

  /** Nothing of the arguments belongs to the caller. */
  private setNow(
    key: Bytes,
    expected: Uint8Array | undefined,
    value: Uint8Array | undefined,
    options: PutOptions | undefined
  ): Outcome<boolean> {
    const { writes } = this
    const again = () => this.setNow(key, expected, value, options)
    return this.withNewest(key, again, ({ value: present, isApplied }) => {
      const isEqual = expected === undefined || present === undefined ? expected === present : equals(expected, present)
      if (!isEqual) return this.afterApplied(false, isApplied)
      if (present === undefined && value === undefined) return this.afterApplied(true, isApplied)
      const written = value === undefined ? writes.deleteNow(key, options) : writes.putNow(key, value, options)
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

/** A copy of the bytes of an Option, or undefined. @throws InvalidArgument */
const ownedOption = (option: Option.Option<Bytes>, argument: string): Uint8Array | undefined => {
  if (!Option.isOption(option)) throw new InvalidArgument({ argument, reason: "is not an Option" })
  return Option.isSome(option) ? Uint8Array.from(toBytes(option.value, argument)) : undefined
}
