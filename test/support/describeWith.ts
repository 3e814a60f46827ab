import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

interface Test<R> {
  (name: string, test: () => Effect.Effect<unknown, unknown, R>, timeout?: number): void
  readonly skipIf: (condition: boolean) => (name: string, test: () => Effect.Effect<unknown, unknown, R>) => void
}

type Method = (name: string, test: () => Effect.Effect<unknown, unknown, Scope.Scope>, timeout?: number) => void

/**
 * Describes tests that are given a layer. `layer` of @effect/vitest replaces the methods of `it`, which is the
 * same for all files of a process: later ones would share one clock.
 */
export const describeWith =
  <R, E>(services: Layer.Layer<R, E>) =>
  (name: string, define: (it: { readonly effect: Test<R>; readonly scoped: Test<R | Scope.Scope> }) => void): void => {
    describe(name, () => {
      const given =
        <R2>(method: Method) =>
        (name: string, test: () => Effect.Effect<unknown, unknown, R2>, timeout?: number): void =>
          method(name, () => Effect.provide(test(), services) as Effect.Effect<unknown, unknown, Scope.Scope>, timeout)
      const methods = <R2>(method: Method): Test<R2> =>
        Object.assign(given<R2>(method), {
          skipIf: (condition: boolean) => (condition ? (name: string) => it.skip(name, () => {}) : given<R2>(method))
        })
      define({ effect: methods(it.effect as unknown as Method), scoped: methods(it.scoped as unknown as Method) })
    })
  }
