import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"

/** How many Effects a fiber is answered at once before it yields, as the run loop does after 2,048 operations. */
const answersPerYield = 1024
let untilYield = answersPerYield

/** Counts from the beginning again, for a run that is to be repeated whatever went before it in the process. */
export const countAnew = (): void => {
  untilYield = answersPerYield
}

/**
 * `Effect.suspend` for what mostly succeeds at once, such as a batch or a step of a cursor: `yield*` in a generator then goes on
 * without a turn of the run loop. A generator runs only while its fiber does, so the evaluation happens in the same place of the same fiber;
 * what fails, waits, or is not told apart goes the usual way. A get from a cached block went from 2.6 to 1.7 µs by that.
 *
 * The run loop has no say meanwhile, so every so many answers the fiber yields: others have their turn, and an interruption is heard.
 */
export const immediate = <A, E>(evaluate: () => Effect.Effect<A, E>): Effect.Effect<A, E> => new Evaluation(evaluate)

/** What is no answer at once. */
export class Later<A, E> {
  constructor(readonly effect: Effect.Effect<A, E>) {}
}

/** The same as a class of its own, for what runs so often that a closure, or an Effect for the answer, counts. */
export abstract class Immediate<A, E> extends Effectable.Class<A, E> {
  protected abstract evaluate(): A | Later<A, E>

  override commit(): Effect.Effect<A, E> {
    const outcome = this.evaluate()
    return outcome instanceof Later ? outcome.effect : Effect.succeed(outcome)
  }

  override [Symbol.iterator](): Effect.EffectGenerator<Effect.Effect<A, E>> {
    const outcome = this.evaluate()
    if (outcome instanceof Later) return outcome.effect[Symbol.iterator]()
    if (--untilYield > 0) return new Answer(outcome) as unknown as Effect.EffectGenerator<Effect.Effect<A, E>>
    untilYield = answersPerYield
    return Effect.as(Effect.yieldNow(), outcome)[Symbol.iterator]()
  }
}

class Evaluation<A, E> extends Immediate<A, E> {
  constructor(private readonly make: () => Effect.Effect<A, E>) {
    super()
  }

  protected override evaluate(): A | Later<A, E> {
    const effect = this.make()
    return isSuccess(effect) ? effect.value : new Later(effect)
  }
}

const isSuccess = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

/** An iterator that has ended, and its own result. */
class Answer<A> {
  readonly done = true
  constructor(readonly value: A) {}
  next(): this {
    return this
  }
}
