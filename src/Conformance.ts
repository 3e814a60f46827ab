/**
 * The suite that every engine behind `OrderedStore` must pass, for whoever writes another one.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { ConformanceCase } from "./internal/conformance/case.js"
import { entryCases } from "./internal/conformance/entries.js"
import { feedCases } from "./internal/conformance/feeds.js"
import { modelCases } from "./internal/conformance/model.js"
import { snapshotCases } from "./internal/conformance/snapshots.js"
import { transactionCases } from "./internal/conformance/transactions.js"
import { writeCases } from "./internal/conformance/writes.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * A test of the suite. `test` dies with an `AssertionError` that says what is wrong, or fails with the
 * error of an operation that must not fail.
 *
 * @since 3.1.0
 * @category models
 */
export interface ConformanceTest {
  readonly name: string
  readonly test: Effect.Effect<void, unknown>
}

const all: ReadonlyArray<ConformanceCase> = [
  ...entryCases,
  ...writeCases,
  ...snapshotCases,
  ...transactionCases,
  ...feedCases,
  ...modelCases
]

/**
 * Returns the tests for an engine. Each builds the layer anew, and uses keys under a prefix of its own:
 * the store may be empty or not, shared or not. Run them with any framework, each with the real Clock
 * or with a test's: they do not sleep. Each runs in a span, as the requests of a traced application do.
 *
 * The suite rests on the contract alone. What an engine promises beyond it, such as what survives a
 * crash, is for tests of its own.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { LsmStore } from "effect-lsm"
 * import * as Conformance from "effect-lsm/Conformance"
 *
 * for (const { name, test } of Conformance.tests(LsmStore.layerMemory())) {
 *   await Effect.runPromise(test)
 *   console.log(name)
 * }
 * ```
 *
 * @since 3.1.0
 * @category suites
 */
export const tests = <A, E>(layer: Layer.Layer<OrderedStore | A, E>): ReadonlyArray<ConformanceTest> =>
  all.map(({ name, run }, i) => ({
    name,
    test: Effect.scoped(
      Effect.flatMap(OrderedStore, (store) => {
        const prefix = `conformance/${i}/${Date.now()}/`
        return run({ store, at: (key) => `${prefix}${key}`, own: { prefix } })
      })
    ).pipe(Effect.provide(layer), Effect.withSpan(name))
  }))
