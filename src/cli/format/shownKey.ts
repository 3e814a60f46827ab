import { escapeBytes } from "./textFormat.js"

/** A key in a message: its escaped bytes, of a long one the first. */
export const shownKey = (key: Uint8Array): string => {
  if (key.length === 0) return '""'
  return key.length <= shownBytes ? escapeBytes(key) : `${escapeBytes(key.subarray(0, shownBytes))}…`
}

const shownBytes = 64
