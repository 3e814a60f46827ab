import * as Duration from "effect/Duration"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { AnySchema } from "./schemaNodes.js"

/** A Schema whose types do not matter: options are checked by their descriptions. */
export type Any = Schema.Schema.AnyNoContext

/** A value, or what is wrong with its text. */
type Read = (encoded: string | number) => { readonly value: unknown } | { readonly fault: string }

export const whole = (least: number, most: number): Any => real(least, most).pipe(Schema.int())

export const real = (least: number, most: number) =>
  Schema.Number.pipe(Schema.greaterThanOrEqualTo(least), Schema.lessThanOrEqualTo(most))

export const infinity: Any = Schema.Number.pipe(Schema.filter((value) => value === Number.POSITIVE_INFINITY))

export const flag: Any = Schema.Boolean

export const text: Any = Schema.String

export const nonEmptyText: Any = Schema.String.pipe(Schema.minLength(1))

export const list = (element: Any): Any => Schema.Array(element).pipe(Schema.minItems(1))

export const filtered = (schema: Any, faultOf: (value: unknown) => string | undefined): Any =>
  schema.pipe(Schema.filter(faultOf, { jsonSchema: {} }))

export const choice = (values: ReadonlyArray<string>): Any => Schema.Literal(...values)

export const either = (...members: ReadonlyArray<Any>): Any => Schema.Union(...members)

/** Values that are written as text. */
export const fromText = (to: Any, read: Read): Any => decoded(Schema.String, to, read, String)

/** Durations, written as milliseconds or as text. */
export const duration = (read: Read): Any =>
  decoded(Schema.Union(Schema.Number, Schema.String), Schema.DurationFromSelf, read, (value) => {
    const millis = Duration.toMillis(value as Duration.Duration)
    return millis === Number.POSITIVE_INFINITY ? "Infinity" : millis
  })

const decoded = (from: Any, to: Any, read: Read, write: (value: unknown) => unknown): Any =>
  Schema.transformOrFail(from, Schema.typeSchema(to), {
    strict: false,
    decode: (encoded: string | number, _, ast) => {
      const result = read(encoded)
      return "fault" in result
        ? ParseResult.fail(new ParseResult.Type(ast, encoded, result.fault))
        : ParseResult.succeed(result.value)
    },
    encode: (value) => ParseResult.succeed(write(value))
  })

/** What a Schema tells about itself, also in JSON Schema. */
export interface About {
  readonly description: string
  /** What is said of a wrong value. */
  readonly message: string | undefined
  readonly default?: unknown
}

export const described = (schema: Any, { message, ...about }: About): Any =>
  schema.annotations(message === undefined ? about : { ...about, message: () => ({ message, override: true }) })

/** A field that may be absent or undefined. */
export const optional = (schema: Any) => Schema.optional(schema)

/** A struct that has no other fields. `faultsOf` says what is wrong with one that has. */
export const struct = <A, I>(
  fields: Schema.Struct.Fields,
  identifier: string,
  faultsOf: (value: object) => ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }>
): AnySchema<A, I> =>
  Schema.Struct(fields)
    .annotations({ parseOptions: { onExcessProperty: "preserve" }, title: identifier })
    .pipe(Schema.filter(faultsOf, { title: identifier, jsonSchema: {} })) as unknown as AnySchema<A, I>
