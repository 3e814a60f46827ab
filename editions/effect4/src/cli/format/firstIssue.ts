import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first error that decoding found, on one line. */
export const firstIssue = (error: Schema.SchemaError): string => {
  const issue = format(error.issue).issues[0]
  if (issue === undefined) return error.message
  const path = issue.path ?? []
  return path.length === 0 ? issue.message : `"${path.join(".")}": ${issue.message}`
}
