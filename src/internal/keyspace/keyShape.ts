import type { KeyElement, KeyTuple } from "../../core/keys/element.js"
import { KeyFailure } from "../../core/keys/keyFailure.js"
import { Uuid } from "../../core/keys/uuid.js"
import type { SchemaNode } from "../effect/schemaNode.js"

/** How an encoded key becomes elements: a struct becomes the tuple of its fields. */
export type Shape =
  | { readonly kind: "struct"; readonly names: ReadonlyArray<string>; readonly shapes: ReadonlyArray<Shape> }
  | { readonly kind: "tuple"; readonly elements: ReadonlyArray<Shape>; readonly rest: Shape; readonly isOpen: boolean }
  | { readonly kind: "element" }

const element: Shape = { kind: "element" }

/** The shape of a Schema's encoded side. Throws `KeyFailure` if no key can be made of it. */
export const shapeOf = (node: SchemaNode): Shape => {
  switch (node.kind) {
    case "other":
      return element
    case "union":
      if (node.members.some(hasStruct)) throw new KeyFailure("a union with a struct has no order of fields")
      return element
    case "tuple": {
      const { elements, rest } = node
      if (rest.length > 1 && rest.some(hasStruct)) {
        throw new KeyFailure("a struct cannot follow elements whose number varies")
      }
      return {
        kind: "tuple",
        elements: elements.map(shapeOf),
        rest: rest.length === 1 ? shapeOf(rest[0]!) : element,
        isOpen: rest.length > 0
      }
    }
    case "struct": {
      if (node.isOpen) throw new KeyFailure("a record has no order of fields")
      const names = node.fields.map(({ isOptional, name }) => {
        if (typeof name !== "string") throw new KeyFailure("a field is named by a symbol")
        if (name === "__proto__") throw new KeyFailure("a field is named __proto__")
        if (isOptional) throw new KeyFailure(`the field "${name}" is optional. Use null for what is absent`)
        return name
      })
      return { kind: "struct", names, shapes: node.fields.map((field) => shapeOf(field.node)) }
    }
  }
}

const hasStruct = (node: SchemaNode): boolean => {
  if (node.kind === "struct") return true
  if (node.kind === "tuple") return [...node.elements, ...node.rest].some(hasStruct)
  return node.kind === "union" && node.members.some(hasStruct)
}

const shapeAt = (shape: Shape & { readonly kind: "tuple" }, index: number): Shape => shape.elements[index] ?? shape.rest

/** The element that an encoded value is. What is no element is refused when it is written. */
export const toElement = (shape: Shape, encoded: unknown): KeyElement => {
  if (shape.kind === "struct") {
    const { names, shapes } = shape
    return names.map((name, i) => toElement(shapes[i]!, (encoded as Record<string, unknown>)[name]))
  }
  if (shape.kind === "tuple") {
    return (encoded as ReadonlyArray<unknown>).map((value, i) => toElement(shapeAt(shape, i), value))
  }
  return encoded as KeyElement
}

/** The tuple of an encoded key. One that is neither a struct nor a tuple is its only element. */
export const toTuple = (shape: Shape, encoded: unknown): KeyTuple => {
  const value = toElement(shape, encoded)
  return shape.kind === "element" ? [value] : (value as KeyTuple)
}

/** The inverse of `toElement`. Throws `KeyFailure` for an element that is not of this shape. */
const fromElement = (shape: Shape, value: KeyElement): unknown => {
  if (shape.kind === "element") return value
  if (!isTuple(value)) throw new KeyFailure("an element is no tuple")
  if (shape.kind === "tuple") return value.map((part, i) => fromElement(shapeAt(shape, i), part))
  const { names, shapes } = shape
  if (value.length !== names.length) throw new KeyFailure(`${value.length} elements instead of ${names.length}`)
  const struct: Record<string, unknown> = {}
  for (let i = 0; i < names.length; i++) struct[names[i]!] = fromElement(shapes[i]!, value[i]!)
  return struct
}

/** The inverse of `toTuple`. Throws `KeyFailure` for a tuple that is not of this shape. */
export const fromTuple = (shape: Shape, tuple: KeyTuple): unknown => {
  if (shape.kind !== "element") return fromElement(shape, tuple)
  if (tuple.length !== 1) throw new KeyFailure(`${tuple.length} elements instead of 1`)
  return tuple[0]
}

const isTuple = (value: KeyElement): value is KeyTuple => Array.isArray(value)

/** A tuple as text, for errors. */
export const tupleText = (tuple: KeyTuple): string => {
  const text = elementText(tuple)
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`
}

const longestText = 200

const elementText = (value: KeyElement): string => {
  if (isTuple(value)) return `[${value.map(elementText).join(", ")}]`
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`
  if (value instanceof Date || value instanceof Uuid) return value.toJSON()
  if (typeof value === "bigint") return `${value}n`
  return typeof value === "string" ? JSON.stringify(value) : String(value)
}
