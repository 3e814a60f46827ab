import * as ParseResult from "effect/ParseResult"

/** The first error that decoding found, on one line. */
export const firstIssue = (error: ParseResult.ParseError): string => {
  const issue = ParseResult.ArrayFormatter.formatErrorSync(error)[0]
  if (issue === undefined) return error.message
  return issue.path.length === 0 ? issue.message : `"${issue.path.join(".")}": ${issue.message}`
}
