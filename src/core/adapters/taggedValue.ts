import { decodeUtf8, encodeUtf8Into, illFormed } from "../bytes/bytes.js"
import { ForeignValue } from "./foreignValue.js"

/** The first byte of a value says what it was. The tags are stored, so none changes its meaning. */
const tag = { text: 0, bytes: 1 } as const

/** A string or bytes as bytes from which `fromTagged` makes the same. Undefined if the string has a lone surrogate. */
export const toTagged = (value: string | Uint8Array): Uint8Array | undefined => {
  if (typeof value !== "string") {
    const tagged = new Uint8Array(1 + value.length)
    tagged[0] = tag.bytes
    tagged.set(value, 1)
    return tagged
  }
  const tagged = new Uint8Array(1 + 3 * value.length)
  tagged[0] = tag.text
  const length = encodeUtf8Into(value, tagged, 1)
  return length === illFormed ? undefined : tagged.subarray(0, 1 + length)
}

/** The string or the bytes that were tagged. Throws `ForeignValue` for other bytes. */
export const fromTagged = (tagged: Uint8Array): string | Uint8Array => {
  if (tagged[0] === tag.text) return decodeUtf8(tagged.subarray(1))
  if (tagged[0] === tag.bytes) return tagged.slice(1)
  throw new ForeignValue(`it begins with ${tagged[0] ?? "nothing"}`)
}

/** The bytes that were tagged, those of a string in UTF-8. Throws `ForeignValue` for other bytes. */
export const bytesFromTagged = (tagged: Uint8Array): Uint8Array => {
  if (tagged[0] === tag.text || tagged[0] === tag.bytes) return tagged.slice(1)
  throw new ForeignValue(`it begins with ${tagged[0] ?? "nothing"}`)
}
