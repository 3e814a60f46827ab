import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"

/** How a fiber has ended. Undefined while it runs. */
export const exitOf = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Exit.Exit<A, E> | undefined =>
  fiber.unsafePoll() ?? undefined

/** Requests the interruption of a fiber, and does not wait for its end. */
export const interruptSoon = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void =>
  fiber.unsafeInterruptAsFork(FiberId.none)

/** The error of a cause that is one error and nothing else, in an array. Otherwise `[]`. */
export const onlyError = <E>(cause: Cause.Cause<E>): ReadonlyArray<E> => (Cause.isFailType(cause) ? [cause.error] : [])
