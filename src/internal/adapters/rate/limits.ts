import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ForeignValue } from "../../../core/adapters/foreignValue.js"
import type { Step } from "../../../core/adapters/rate/fixedWindow.js"
import { adapterPrefix } from "../../../core/adapters/reservations.js"
import { textKey } from "../../../core/adapters/textKey.js"
import { InvalidArgument } from "../../../LsmError.js"
import type { Durability } from "../../../LsmOptions.js"
import type { OrderedStoreService, WriteError } from "../../../OrderedStore.js"
import { loneSurrogate } from "../loneSurrogate.js"

/** The kinds of limits. They are stored, so none changes its meaning. */
export const kind = { fixedWindow: 0n, tokenBucket: 1n, adaptive: 2n } as const

export type LimitError = WriteError | ForeignValue

/** A limit is kept at least so long, in milliseconds. */
const shortestLife = 60 * 60 * 1000

/**
 * The limits of one kind in a namespace of a store. What is idle expires, some time later: how long a
 * limit must be kept is known only when the store has made the step.
 */
export class Limits {
  private readonly prefix: Uint8Array

  constructor(
    private readonly store: OrderedStoreService,
    name: string,
    limitKind: bigint,
    private readonly durability: Durability
  ) {
    this.prefix = adapterPrefix("rate", name, limitKind)
  }

  /** Makes a step from what is stored to what is stored then. No other step of the key comes between. */
  step<A>(
    key: string,
    clock: Clock.Clock,
    life: number,
    transition: (stored: Uint8Array | undefined, now: number) => Step<A>
  ): Effect.Effect<A, LimitError> {
    const bytes = textKey(this.prefix, key)
    if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
    return Effect.suspend(() => {
      const { durability, store } = this
      const ttl = Math.max(shortestLife, life)
      let made: { readonly step: Step<A>; readonly at: number } | undefined
      let fault: ForeignValue | undefined
      const change = (found: Option.Option<Uint8Array>): Uint8Array | undefined => {
        const at = clock.unsafeCurrentTimeMillis()
        try {
          made = { step: transition(Option.getOrUndefined(found), at), at }
        } catch (failure) {
          if (!(failure instanceof ForeignValue)) throw failure
          fault = failure
          return undefined
        }
        return made.step.stored
      }
      const updated = Effect.flatMap(
        store.update(bytes, change, { durability, ttl }),
        (): Effect.Effect<A, LimitError> => {
          if (fault !== undefined || made === undefined)
            return Effect.fail(fault ?? new ForeignValue("no step was made"))
          const { at, step } = made
          const needed = step.idleAt - at
          if (step.stored === undefined || needed <= ttl) return Effect.succeed(step.result)
          const longer = store.update(bytes, Option.getOrUndefined, { durability, ttl: 2 * needed })
          return Effect.as(longer, step.result)
        }
      )
      return Effect.uninterruptible(updated)
    })
  }
}

/** Why numbers of a limit are none, or undefined. `limit` is undefined if there is none. */
export const numbersFault = (
  tokens: number,
  refillMillis: number,
  limit: number | undefined
): InvalidArgument | undefined => {
  const fault = (argument: string, reason: string) => new InvalidArgument({ argument, reason })
  if (!(tokens >= 0 && tokens < Infinity)) return fault("tokens", "must be a number, not negative")
  if (!(refillMillis > 0 && refillMillis < Infinity)) return fault("refillRate", "must be longer than nothing")
  if (limit !== undefined && !(limit > 0)) return fault("limit", "must be a number above 0")
  return undefined
}
