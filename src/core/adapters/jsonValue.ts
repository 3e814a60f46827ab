import { decodeUtf8, encodeUtf8 } from "../bytes/bytes.js"
import { ForeignValue } from "./foreignValue.js"

const nothing = new Uint8Array(0)

/**
 * A value as JSON in UTF-8. What JSON has no text for, such as undefined, is no bytes. Throws a
 * `TypeError` for a bigint and for a value that contains itself.
 */
export const toJson = (value: unknown): Uint8Array => {
  const text: string | undefined = JSON.stringify(value)
  // JSON escapes lone surrogates, so that it is always well-formed.
  return text === undefined ? nothing : encodeUtf8(text)!
}

/** The value of these bytes. Throws `ForeignValue` if they are not JSON. */
export const fromJson = (bytes: Uint8Array): unknown => {
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(decodeUtf8(bytes))
  } catch (error) {
    throw new ForeignValue(error instanceof Error ? error.message : "no JSON")
  }
}
