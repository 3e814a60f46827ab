import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** The number of the fiber that runs now; undefined outside a fiber. */
export const currentFiberId = (): number | undefined => Fiber.getCurrent()?.id

/** Whether a fiber logs lines of level Debug. */
export const logsDebug = (fiber: AnyFiber): boolean =>
  !LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), "Debug")

/** Whether a fiber has a tracer other than Effect's, which discards spans. */
export const hasTracer = (fiber: AnyFiber): boolean => {
  const tracer = fiber.getRef(Tracer.Tracer)
  return tracer !== Tracer.nativeTracer
}
