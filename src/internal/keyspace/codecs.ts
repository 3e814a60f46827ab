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
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export const jsonCodec: Codec = {
  name: "json",
  encode: (encoded) => {
    refuseLoss(encoded, 0)
    return encoder.encode(JSON.stringify(encoded))
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes))
}

/** JSON of a value that is nested deeper would exhaust the stack. */
const deepest = 1000

/**
 * Throws for what JSON changes without notice, such as a Date or NaN: it could be written, but its
 * Schema could not read it.
 */
const refuseLoss = (value: unknown, depth: number): void => {
  switch (typeof value) {
    case "boolean":
    case "string":
      return
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`)
      return
    case "object":
      if (value === null) return
      if (depth > deepest) throw new RangeError("the value is nested too deep, or contains itself")
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) refuseLoss(value[i], depth + 1)
        return
      }
      refuseLossInObject(value, depth)
      return
    default:
      throw new TypeError(value === undefined ? "JSON has no undefined" : `JSON has no ${typeof value}`)
  }
}

const refuseLossInObject = (value: object, depth: number): void => {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`JSON has no ${value.constructor?.name ?? "such object"}`)
  }
  // A field that is undefined is left out, as a Schema leaves out what is optional.
  for (const field of Object.values(value)) if (field !== undefined) refuseLoss(field, depth + 1)
}

export const bytesCodec: Codec = {
  name: "bytes",
  encode: (encoded) => {
    if (encoded instanceof Uint8Array) return encoded
    throw new TypeError("the codec bytes takes a Uint8Array alone")
  },
  decode: (bytes) => bytes
}
