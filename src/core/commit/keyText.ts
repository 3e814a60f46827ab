import { Buffer } from "node:buffer"

/** Larger buffers are not kept alive by a view of them. */
const largestSource = 1024 * 1024

let source: Uint8Array | undefined
let view: Buffer = Buffer.alloc(0)

/**
 * A key as a text of one character for each byte, so that a `Map` can hold it. Texts have the order
 * of the keys.
 */
export const keyText = (bytes: Uint8Array, start: number, end: number): string => {
  if (bytes.length > largestSource) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1")
  }
  // Keys that follow each other are mostly in one buffer.
  if (bytes !== source) {
    source = bytes
    view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  return view.toString("latin1", start, end)
}

export const keyBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"))
