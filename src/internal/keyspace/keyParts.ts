import * as Schema from "effect/Schema"
import type { KeyTuple } from "../../core/keys/element.js"
import { KeyFailure } from "../../core/keys/keyFailure.js"
import type { AnySchema } from "../effect/schemaNodes.js"
import { type Shape, toElement } from "./keyShape.js"

type Encode = (value: unknown) => unknown

/** How the parts of a key are encoded one by one, for the beginning of a key. */
export interface KeyParts {
  /** Of a tuple's elements or a struct's fields. Undefined if the Schema does not have them apart. */
  readonly parts: ReadonlyArray<Encode> | undefined
  /** Of the whole key. */
  readonly whole: Encode
}

/**
 * The Schemas of the parts. `Schema.Tuple`, `Schema.Struct` and classes have them; a filter or a
 * transformation of those does not.
 */
export const partsOf = <K, KI>(key: AnySchema<K, KI>, shape: Shape): KeyParts => {
  const whole = Schema.encodeUnknownSync(key)
  const { elements, fields } = key as { readonly elements?: unknown; readonly fields?: unknown }
  if (shape.kind === "tuple" && Array.isArray(elements) && elements.length === shape.elements.length) {
    return { parts: encodesOf(elements), whole }
  }
  if (shape.kind === "struct" && typeof fields === "object" && fields !== null) {
    const names = Object.keys(fields)
    if (names.length === shape.names.length && names.every((name, i) => name === shape.names[i])) {
      return { parts: encodesOf(Object.values(fields)), whole }
    }
  }
  return { parts: undefined, whole }
}

/** Undefined if one of the parts is no Schema, such as a property signature. */
const encodesOf = (schemas: ReadonlyArray<unknown>): ReadonlyArray<Encode> | undefined =>
  schemas.every((schema) => Schema.isSchema(schema))
    ? schemas.map((schema) => Schema.encodeSync(schema as AnySchema<unknown, unknown>))
    : undefined

/** The tuple of the beginning of a key. Throws `KeyFailure`, or what the Schema throws. */
export const prefixTuple = (shape: Shape, keyParts: KeyParts, bound: unknown): KeyTuple => {
  if (shape.kind === "tuple") return ofTuple(shape, keyParts, bound)
  if (shape.kind === "struct") return ofStruct(shape, keyParts, bound)
  throw new KeyFailure("only a tuple or a struct can be given in part")
}

const ofTuple = (shape: Shape & { kind: "tuple" }, { parts, whole }: KeyParts, bound: unknown): KeyTuple => {
  if (!Array.isArray(bound)) throw new KeyFailure("the beginning of a tuple is an array")
  if (parts === undefined || bound.length >= parts.length) return toElement(shape, whole(bound)) as KeyTuple
  return bound.map((value, i) => toElement(shape.elements[i]!, parts[i]!(value)))
}

const ofStruct = (shape: Shape & { kind: "struct" }, { parts, whole }: KeyParts, bound: unknown): KeyTuple => {
  if (typeof bound !== "object" || bound === null) throw new KeyFailure("the beginning of a struct is an object")
  const { names, shapes } = shape
  if (parts === undefined) return toElement(shape, whole(bound)) as KeyTuple
  const values = names.map((name) => (bound as Record<string, unknown>)[name])
  const given = values.findLastIndex((value) => value !== undefined) + 1
  if (given === names.length) return toElement(shape, whole(bound)) as KeyTuple
  const gap = values.slice(0, given).indexOf(undefined)
  if (gap >= 0) throw new KeyFailure(`the field "${names[gap]}" is missing, and a later one is given`)
  for (const name of Object.keys(bound)) {
    if (!names.includes(name)) throw new KeyFailure(`the key has no field "${name}"`)
  }
  return values.slice(0, given).map((value, i) => toElement(shapes[i]!, parts[i]!(value)))
}
