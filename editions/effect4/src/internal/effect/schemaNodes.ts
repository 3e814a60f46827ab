import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { SchemaNode } from "./schemaNode.js"

/** A Schema that needs no services. */
export type AnySchema<A, I> = Schema.Codec<A, I>

/** The encoded side of a Schema. */
export const encodedNode = <A, I>(schema: AnySchema<A, I>): SchemaNode => nodeOf(Schema.toEncoded(schema).ast)

const nodeOf = (ast: SchemaAST.AST): SchemaNode => {
  if (SchemaAST.isObjects(ast)) {
    const fields = ast.propertySignatures.map(({ name, type }) => ({
      name,
      isOptional: SchemaAST.isOptional(type),
      node: nodeOf(type)
    }))
    return { kind: "struct", fields, isOpen: ast.indexSignatures.length > 0 }
  }
  if (SchemaAST.isArrays(ast)) return { kind: "tuple", elements: ast.elements.map(nodeOf), rest: ast.rest.map(nodeOf) }
  if (SchemaAST.isUnion(ast)) return { kind: "union", members: ast.types.map(nodeOf) }
  return { kind: "other" }
}
