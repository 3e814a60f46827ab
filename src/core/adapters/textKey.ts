import { encodeUtf8Into, illFormed } from "../bytes/bytes.js"

/**
 * The key of a text in a namespace: the prefix and the text in UTF-8, which needs no end because
 * nothing follows it. Undefined if the text has a lone surrogate.
 */
export const textKey = (prefix: Uint8Array, text: string): Uint8Array | undefined => {
  const key = new Uint8Array(prefix.length + 3 * text.length)
  key.set(prefix)
  const length = encodeUtf8Into(text, key, prefix.length)
  return length === illFormed ? undefined : key.subarray(0, prefix.length + length)
}
