import { KeyFailure } from "./keyFailure.js"

const digits: ReadonlyArray<string> = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * A UUID of any version. It takes 17 bytes of a key; as a string it takes 38. Its Schema is
 * `Schema.instanceOf(Keyspace.Uuid)`.
 *
 * @since 3.1.0
 * @category models
 */
export class Uuid {
  /** The 16 bytes. Do not change them. */
  readonly bytes: Uint8Array

  /** Copies 16 bytes. Throws an `Error` for any other number of them. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== 16) throw new KeyFailure("a UUID has 16 bytes")
    this.bytes = bytes.slice()
  }

  /** Reads the text form, with or without capital letters. Throws an `Error` for any other text. */
  static parse(text: string): Uuid {
    if (!form.test(text)) throw new KeyFailure("not a UUID")
    const bytes = new Uint8Array(16)
    const hex = text.replaceAll("-", "")
    for (let i = 0; i < 16; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16)
    return new Uuid(bytes)
  }

  /** The text form, in small letters. */
  toString(): string {
    let text = ""
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += "-"
      text += digits[this.bytes[i]!]!
    }
    return text
  }

  /** The text form, for JSON. */
  toJSON(): string {
    return this.toString()
  }
}
