import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** The number of the fiber that runs now; undefined outside a fiber. */
export const currentFiberId = (): number | undefined => {
  const fiber = Option.getOrUndefined(Fiber.getCurrentFiber())
  return fiber?.id().id
}

/** Whether a fiber logs lines of level Debug. */
export const logsDebug = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean =>
  LogLevel.lessThanEqual(fiber.getFiberRef(FiberRef.currentMinimumLogLevel), LogLevel.Debug)

const idle = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Whether a fiber has a tracer other than Effect's, which discards spans. */
export const hasTracer = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => fiber.currentTracer !== idle
