import type { AnySchema } from "../effect/schemaNodes.js"
import { conversionOf } from "./conversion.js"

/** One step from a version of the values to the next. */
export interface MigrationStep {
  readonly decode: (encoded: unknown) => unknown
  readonly up: (value: unknown) => unknown
}

/**
 * How values of earlier versions become values of this one: the Schema of each earlier version, oldest
 * first, with a function to the next.
 *
 * @since 3.1.0
 * @category models
 */
export class Migration<V> {
  /** Never set: it only says the type of the values. */
  declare readonly value?: V

  constructor(
    /** Private. */
    readonly steps: ReadonlyArray<MigrationStep>
  ) {}

  /**
   * Adds the next version: its Schema, and a function from it to the one after it. The functions must be
   * synchronous, and return the same for the same value.
   */
  next<I, B>(schema: AnySchema<V, I>, up: (value: V) => B): Migration<B> {
    return new Migration([...this.steps, stepOf(schema, up)])
  }
}

export const stepOf = <A, I, B>(schema: AnySchema<A, I>, up: (value: A) => B): MigrationStep => ({
  decode: conversionOf(schema).decode,
  up: up as (value: unknown) => unknown
})
