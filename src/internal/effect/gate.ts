import * as Effect from "effect/Effect"
import { callback } from "./callback.js"

/**
 * Lets fibers wait for a condition over state that synchronous code changes. Call `notify` after
 * each change.
 */
export class Gate {
  private waiting = new Set<() => void>()

  readonly notify = (): void => {
    if (this.waiting.size === 0) return
    const { waiting } = this
    this.waiting = new Set()
    for (const resume of waiting) resume()
  }

  /**
   * Waits until the condition returns a value other than undefined. The condition is evaluated now,
   * and again after each `notify`, when the fiber runs. Evaluating and registering are one
   * synchronous step: a fiber may yield between two Effects, and a `notify` in between would be
   * lost.
   */
  until<A>(condition: () => A | undefined): Effect.Effect<A> {
    const ask: Effect.Effect<A> = callback<A>((resume) => {
      const found = condition()
      if (found !== undefined) {
        resume(Effect.succeed(found))
        return
      }
      const { waiting } = this
      const again = () => resume(ask)
      waiting.add(again)
      return Effect.sync(() => waiting.delete(again))
    })
    return ask
  }
}
