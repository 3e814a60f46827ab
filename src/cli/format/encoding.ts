import { isUtf8 } from "node:buffer"
import * as Either from "effect/Either"

/** The encoding of keys and values as text. */
export type Encoding = "utf8" | "hex" | "base64"

/** The names of all encodings. */
export const encodings = ["utf8", "hex", "base64"] as const

/** Returns bytes as text; undefined if the encoding is utf8 and the bytes are not valid UTF-8. */
export const encodeText = (encoding: Encoding, bytes: Uint8Array): string | undefined =>
  encoding === "utf8" && !isUtf8(bytes)
    ? undefined
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)

/** Returns the bytes of a text, or why the text is not valid in the encoding. */
export const decodeText = (encoding: Encoding, text: string): Either.Either<Uint8Array, string> => {
  // Node's decoders skip invalid characters, so check that none was skipped.
  const bytes = Buffer.from(text, encoding)
  switch (encoding) {
    case "utf8":
      return loneSurrogate.test(text)
        ? Either.left("contains a lone surrogate, which has no UTF-8 encoding")
        : Either.right(bytes)
    case "hex":
      return bytes.length * 2 === text.length ? Either.right(bytes) : Either.left("is not hexadecimal")
    case "base64":
      return bytes.toString("base64") === text ? Either.right(bytes) : Either.left("is not base64")
  }
}

const loneSurrogate = /\p{Surrogate}/u
