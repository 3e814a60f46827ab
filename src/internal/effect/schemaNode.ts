/** What the encoded side of a Schema is made of, as far as keys depend on it. */
export type SchemaNode =
  | { readonly kind: "struct"; readonly fields: ReadonlyArray<SchemaField>; readonly isOpen: boolean }
  | { readonly kind: "tuple"; readonly elements: ReadonlyArray<SchemaNode>; readonly rest: ReadonlyArray<SchemaNode> }
  | { readonly kind: "union"; readonly members: ReadonlyArray<SchemaNode> }
  | { readonly kind: "other" }

export interface SchemaField {
  readonly name: PropertyKey
  readonly isOptional: boolean
  readonly node: SchemaNode
}
