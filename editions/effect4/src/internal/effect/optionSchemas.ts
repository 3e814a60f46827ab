import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import type { AnySchema } from "./schemaNodes.js"

/** A Schema whose types do not matter: options are checked by their descriptions. */
export type Any = Schema.Codec<any, any>

/** A value, or what is wrong with its text. */
type Read = (encoded: string | number) => { readonly value: unknown } | { readonly fault: string }

export const real = (least: number, most: number): Any =>
  Schema.Number.check(Schema.isBetween({ minimum: least, maximum: most }))

export const whole = (least: number, most: number): Any =>
  Schema.Number.check(Schema.isInt(), Schema.isBetween({ minimum: least, maximum: most }))

export const infinity: Any = filtered(Schema.Number, (value) =>
  value === Number.POSITIVE_INFINITY ? undefined : "must be Infinity"
)

export const flag: Any = Schema.Boolean

export const text: Any = Schema.String

export const nonEmptyText: Any = Schema.String.check(Schema.isMinLength(1))

export const list = (element: Any): Any => Schema.Array(element).check(Schema.isMinLength(1))

export function filtered(schema: Any, faultOf: (value: unknown) => string | undefined): Any {
  return schema.check(Schema.makeFilter((value: unknown) => faultOf(value)))
}

export const choice = (values: ReadonlyArray<string>): Any => Schema.Literals(values)

export const either = (...members: ReadonlyArray<Any>): Any => Schema.Union(members)

/** Values that are written as text. */
export const fromText = (to: Any, read: Read): Any => decoded(Schema.String, to, read, String)

/** Durations, written as milliseconds or as text. */
export const duration = (read: Read): Any =>
  decoded(Schema.Union([Schema.Finite, Schema.String]), Schema.Duration, read, (value) => {
    const millis = Duration.toMillis(value as Duration.Duration)
    return Number.isFinite(millis) ? millis : "Infinity"
  })

const decoded = (from: Any, to: Any, read: Read, write: (value: unknown) => unknown): Any =>
  from.pipe(
    Schema.decodeTo(Schema.toType(to), {
      decode: SchemaGetter.transformEffect((encoded: string | number) => {
        const outcome = read(encoded)
        if ("value" in outcome) return Effect.succeed(outcome.value)
        return Effect.fail(new SchemaIssue.InvalidValue({ message: outcome.fault }))
      }),
      encode: SchemaGetter.transform(write)
    })
  )

/** What a Schema tells about itself, also in JSON Schema. */
export interface About {
  readonly description: string
  readonly message: string | undefined
  readonly default?: unknown
}

export const described = (schema: Any, about: About): Any =>
  schema.pipe(
    Schema.annotate({ ...about }),
    Schema.annotateEncoded({ description: about.description, default: about.default })
  )

/** A field that may be absent or undefined. */
export const optional = (schema: Any): Any => Schema.optional(schema) as unknown as Any

/**
 * A struct that has no other fields. `faultsOf` says what is wrong with one that has: they are fields
 * of a rest, because the struct alone would drop them.
 */
export const struct = <A, I>(
  fields: Schema.Struct.Fields,
  identifier: string,
  faultsOf: (value: object) => ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }>
): AnySchema<A, I> => {
  const isOther = Schema.makeFilter((name: string) => !Object.hasOwn(fields, name))
  const others = Schema.Record(Schema.String.check(isOther), Schema.Unknown)
  const checks = Schema.makeFilter((value: object) =>
    faultsOf(value).map(({ message, path }) => ({ issue: message, path }))
  )
  return Schema.StructWithRest(Schema.Struct(fields) as any, [others])
    .annotate({ title: identifier })
    .check(checks as any) as unknown as AnySchema<A, I>
}
