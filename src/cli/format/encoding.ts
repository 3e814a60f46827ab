import { isUtf8 } from "node:buffer"
import * as Either from "effect/Either"

/** How the bytes of keys and values are written as text. */
export type Encoding = "utf8" | "hex" | "base64"

/** The encodings, by name. */
export const encodings = ["utf8", "hex", "base64"] as const

/** Bytes as text; undefined for bytes that are no UTF-8, which no string of characters stands for. */
export const encodeText = (encoding: Encoding, bytes: Uint8Array): string | undefined =>
  encoding === "utf8" && !isUtf8(bytes)
    ? undefined
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)

/** The bytes that a text stands for, or why it stands for none. */
export const decodeText = (encoding: Encoding, text: string): Either.Either<Uint8Array, string> => {
  // Node's decoders leave out what they do not understand, so the check is that nothing was left out.
  const bytes = Buffer.from(text, encoding)
  switch (encoding) {
    case "utf8":
      return loneSurrogate.test(text)
        ? Either.left("holds half a surrogate pair, which has no UTF-8")
        : Either.right(bytes)
    case "hex":
      return bytes.length * 2 === text.length ? Either.right(bytes) : Either.left("is not hexadecimal")
    case "base64":
      return bytes.toString("base64") === text ? Either.right(bytes) : Either.left("is not base64")
  }
}

const loneSurrogate = /\p{Surrogate}/u
