import * as Schema from "effect/Schema"
import type { AnySchema } from "../effect/schemaNodes.js"

/** A Schema as two functions, which throw what it cannot take. */
export interface Conversion<A> {
  readonly encode: (value: A) => unknown
  readonly decode: (encoded: unknown) => A
}

export const conversionOf = <A, I>(schema: AnySchema<A, I>): Conversion<A> => ({
  encode: Schema.encodeSync(schema),
  decode: Schema.decodeUnknownSync(schema)
})
