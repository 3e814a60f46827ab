import * as Effect from "effect/Effect"

/**
 * Lets fibers wait for a condition over state that synchronous code changes. Whoever changes it calls `notify`.
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
   * Waits until the condition returns something other than undefined. It is asked now, and after each `notify` in the fiber's own turn.
   * Asking and registering are one synchronous stretch: a fiber may be made to yield between any two of its steps, and a `notify` that came
   * there would be lost.
   */
  until<A>(condition: () => A | undefined): Effect.Effect<A> {
    const ask: Effect.Effect<A> = Effect.async<A>((resume) => {
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
