import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** Interrupts a fiber and returns how it has ended. */
export const interruption = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Effect.Effect<Exit.Exit<A, E>> =>
  Effect.zipRight(Fiber.interrupt(fiber), Fiber.await(fiber))
