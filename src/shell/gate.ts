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

  /** The next `notify`. */
  readonly next: Effect.Effect<void> = Effect.async<void>((resume) => {
    const done = () => resume(Effect.void)
    this.waiting.add(done)
    return Effect.sync(() => this.waiting.delete(done))
  })

  /** Waits until the condition answers something other than undefined; it is asked now and after each `notify`. */
  until<A>(condition: () => A | undefined): Effect.Effect<A> {
    const ask: Effect.Effect<A> = Effect.suspend(() => {
      const answer = condition()
      return answer === undefined ? Effect.zipRight(this.next, ask) : Effect.succeed(answer)
    })
    return ask
  }
}
