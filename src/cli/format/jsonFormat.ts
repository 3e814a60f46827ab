import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { decodeText, type Encoding, encodeText } from "./encoding.js"
import type { EntryFormat } from "./entryFormat.js"
import { firstIssue } from "./firstIssue.js"

/**
 * One JSON object per line: `{"key":…,"value":…}`. Input may also hold `{"key":…,"delete":true}`.
 */
export const jsonFormat = (encoding: Encoding): EntryFormat => ({
  renderKey: (bytes) => {
    const key = encodeText(encoding, bytes)
    return key === undefined ? undefined : JSON.stringify({ key })
  },
  renderEntry: (entry) => {
    const key = encodeText(encoding, entry.key)
    const value = encodeText(encoding, entry.value)
    return key === undefined || value === undefined ? undefined : JSON.stringify({ key, value })
  },
  parse: (bytes) => {
    const line = encodeText("utf8", bytes)
    if (line === undefined) return Either.left("not UTF-8")
    const json = Either.try({ try: (): unknown => JSON.parse(line), catch: (error) => (error as Error).message })
    if (Either.isLeft(json)) return Either.left(json.left)
    const decoded = decodeLine(json.right)
    if (Either.isLeft(decoded)) return Either.left(firstIssue(decoded.left))
    const { key: keyText, value: valueText } = decoded.right
    const key = decodeText(encoding, keyText)
    if (Either.isLeft(key)) return Either.left(`key ${key.left}`)
    if (valueText === undefined) return Either.right({ key: key.right, value: undefined })
    const value = decodeText(encoding, valueText)
    if (Either.isLeft(value)) return Either.left(`value ${value.left}`)
    return Either.right({ key: key.right, value: value.right })
  }
})

const Line = Schema.Struct({
  key: Schema.String,
  value: Schema.optional(Schema.String),
  delete: Schema.optional(Schema.Literal(true))
}).pipe(
  Schema.filter(
    (line) => (line.value === undefined) === (line.delete === true) || `needs either "value" or "delete": true`
  )
)

// An unknown field may carry a meaning, such as an expiry, that the import would silently lose.
const decodeLine = Schema.decodeUnknownEither(Line, { onExcessProperty: "error" })
