import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  // Effect's own message about an unknown field does not name the known ones.
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey" && SchemaAST.isObjects(issue.ast)
      ? `is unexpected, expected: ${issue.ast.propertySignatures.map(({ name }) => `"${String(name)}"`).join(" | ")}`
      : SchemaIssue.defaultLeafHook(issue)
})

/** The first error that decoding found, on one line. */
export const firstIssue = (error: Schema.SchemaError): string => {
  const { message, path = [] } = format(error.issue).issues[0]!
  return path.length === 0 ? message : `"${path.join(".")}": ${message}`
}
