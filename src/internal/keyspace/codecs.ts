import { refuseLoss } from "./refuseLoss.js"

/**
 * How the encoded side of a value becomes the bytes that are stored. `encode` and `decode` are
 * synchronous, and throw an `Error` for what they cannot take. What `encode` returns is copied before
 * the next call.
 *
 * @since 3.1.0
 * @category models
 */
export interface Codec {
  /** The name, for errors. */
  readonly name: string
  readonly encode: (encoded: unknown) => Uint8Array
  readonly decode: (bytes: Uint8Array) => unknown
  /**
   * Whether no encoding of two bytes or more begins with a zero byte. Keyspaces with migrations need
   * this, because their values begin with one. Default false.
   */
  readonly leavesZero?: boolean | undefined
}

/** JSON changes a Date or NaN without notice: it could be written, but its Schema could not read it. */
const holdsNoMore = () => false

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export const jsonCodec: Codec = {
  name: "json",
  leavesZero: true,
  encode: (encoded) => {
    refuseLoss(encoded, "JSON", holdsNoMore)
    // JSON escapes lone surrogates. TextEncoder takes three times as long.
    return Buffer.from(JSON.stringify(encoded))
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes))
}

export const bytesCodec: Codec = {
  name: "bytes",
  encode: (encoded) => {
    if (encoded instanceof Uint8Array) return encoded
    throw new TypeError("the codec bytes takes a Uint8Array alone")
  },
  decode: (bytes) => bytes
}
