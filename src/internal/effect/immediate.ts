import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"

/**
 * How many Effects return at once before the fiber yields. The run loop yields after 2,048
 * operations.
 */
const returnsPerYield = 1024

/**
 * Counts the Effects of one store that return at once. The run loop does not see them, so it cannot
 * yield after too many: this does, so that other fibers run and interruptions are noticed.
 */
export class YieldBudget {
  private left = returnsPerYield

  /**
   * Takes one return from the budget. Returns false, and refills the budget, if the fiber should
   * yield.
   */
  spend(): boolean {
    if (--this.left > 0) return true
    this.left = returnsPerYield
    return false
  }
}

/**
 * `Effect.suspend` for an Effect that mostly succeeds at once, such as a batch or a step of a
 * cursor. It is evaluated when a generator takes its iterator: `yield*` then continues without a
 * step of the run loop. A generator runs only while its fiber does, so the evaluation happens at
 * the same place in the same fiber. An Effect that fails or waits goes through the run loop. The
 * docs of `Store` list the consequences for users.
 */
export const immediate = <A, E>(budget: YieldBudget, evaluate: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  new Evaluation(budget, evaluate)

/** A result that does not return at once. */
export class Later<A, E> {
  constructor(readonly effect: Effect.Effect<A, E>) {}
}

/**
 * The same as a class, for operations so frequent that a closure, or an Effect for the result,
 * counts.
 */
export abstract class Immediate<A, E> extends Effectable.Class<A, E> {
  protected abstract readonly budget: YieldBudget
  abstract evaluate(): A | Later<A, E>

  override commit(): Effect.Effect<A, E> {
    const outcome = this.evaluate()
    return outcome instanceof Later ? outcome.effect : Effect.succeed(outcome)
  }

  override [Symbol.iterator](): Effect.EffectGenerator<Effect.Effect<A, E>> {
    const outcome = this.evaluate()
    if (outcome instanceof Later) return outcome.effect[Symbol.iterator]()
    if (this.budget.spend()) return new Returned(outcome) as unknown as Effect.EffectGenerator<Effect.Effect<A, E>>
    return Effect.as(Effect.yieldNow(), outcome)[Symbol.iterator]()
  }
}

class Evaluation<A, E> extends Immediate<A, E> {
  constructor(
    protected override readonly budget: YieldBudget,
    private readonly make: () => Effect.Effect<A, E>
  ) {
    super()
  }

  override evaluate(): A | Later<A, E> {
    const effect = this.make()
    return isSuccess(effect) ? effect.value : new Later(effect)
  }
}

/**
 * Evaluates an Effect outside of a fiber, for callers without one. One that is not immediate, or that
 * fails or waits, has to be run.
 */
export const evaluateNow = <A, E>(effect: Effect.Effect<A, E>): A | Later<A, E> =>
  effect instanceof Immediate ? (effect as Immediate<A, E>).evaluate() : new Later(effect)

const isSuccess = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

/** An iterator that has returned. It is its own result. */
class Returned<A> {
  readonly done = true
  constructor(readonly value: A) {}
  next(): this {
    return this
  }
}
