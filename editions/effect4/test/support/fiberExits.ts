import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** How a fiber has ended. Undefined while it runs. */
export const exitOf = <A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E> | undefined => fiber.pollUnsafe()

/**
 * Requests the interruption of a fiber, and does not wait for its end. A fiber that waits is
 * interrupted after this call, which may be in the middle of a synchronous stretch.
 */
export const interruptSoon = (fiber: Fiber.Fiber<unknown, unknown>): void => {
  if (Fiber.getCurrent() === fiber) fiber.interruptUnsafe()
  else queueMicrotask(() => fiber.interruptUnsafe())
}

/** The error of a cause that is one error and nothing else, in an array. Otherwise `[]`. */
export const onlyError = <E>({ reasons }: Cause.Cause<E>): ReadonlyArray<E> => {
  const [reason] = reasons
  return reasons.length === 1 && Cause.isFailReason(reason!) ? [reason.error] : []
}
