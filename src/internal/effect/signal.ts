import type * as Effect from "effect/Effect"
import { Gate } from "./gate.js"

/** A flag that synchronous code raises and lowers, and that fibers wait for. */
export class Signal {
  private readonly gate = new Gate()
  private isRaised = false

  /** Waits while the flag is down. */
  readonly wait: Effect.Effect<void> = this.gate.until(() => (this.isRaised ? true : undefined))

  raise(): void {
    this.isRaised = true
    this.gate.notify()
  }

  lower(): void {
    this.isRaised = false
  }
}
