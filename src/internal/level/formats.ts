import { Buffer } from "node:buffer"
import { decodeUtf8 } from "../../core/bytes/bytes.js"

/** A key or value as abstract-level passes it, and wants it back. */
export type Data = string | Uint8Array

/** What abstract-level calls the forms of data. */
export type Format = "utf8" | "buffer" | "view"

/** `bytes[start, end)` in a format; bytes without a copy. */
export const toFormat = (bytes: Uint8Array, start: number, end: number, format: Format): Data => {
  const view = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
  if (format === "utf8") return decodeUtf8(view)
  return format === "buffer" ? Buffer.from(view.buffer, view.byteOffset, view.byteLength) : view
}
