import * as Schema from "effect/Schema"
import type { SchemaNode } from "./schemaNode.js"

/** A Schema that needs no services. */
export type AnySchema<A, I> = Schema.Schema<A, I>

/** The encoded side of a Schema. */
export const encodedNode = <A, I>(schema: AnySchema<A, I>): SchemaNode => nodeOf(Schema.encodedSchema(schema).ast)

const nodeOf = (ast: Schema.Schema.Any["ast"]): SchemaNode => {
  switch (ast._tag) {
    case "TypeLiteral":
      return {
        kind: "struct",
        fields: ast.propertySignatures.map(({ isOptional, name, type }) => ({ name, isOptional, node: nodeOf(type) })),
        isOpen: ast.indexSignatures.length > 0
      }
    case "TupleType":
      return {
        kind: "tuple",
        elements: ast.elements.map(({ type }) => nodeOf(type)),
        rest: ast.rest.map(({ type }) => nodeOf(type))
      }
    case "Union":
      return { kind: "union", members: ast.types.map(nodeOf) }
    default:
      return { kind: "other" }
  }
}
