import { isUtf8 } from "node:buffer"
import * as Either from "effect/Either"
import { decodeText, type Encoding, encodeText } from "./encoding.js"
import type { EntryFormat } from "./entryFormat.js"

/**
 * One entry per line: key, tab, value.
 *
 * In utf8, bytes that would break a line or a terminal are escaped: \t \n \r \\, and \xHH for other
 * control bytes. In a key or value that is not valid UTF-8, all bytes from 0x80 on are escaped too.
 * So every byte can be read back.
 */
export const textFormat = (encoding: Encoding): EntryFormat => {
  const show = (bytes: Uint8Array): string =>
    encoding === "utf8" ? escapeBytes(bytes) : (encodeText(encoding, bytes) ?? "")
  const read = (field: Uint8Array): Either.Either<Uint8Array, string> =>
    encoding === "utf8" ? unescapeBytes(field) : decodeText(encoding, Buffer.from(field).toString("latin1"))
  return {
    renderKey: show,
    renderEntry: ({ key, value }) => `${show(key)}\t${show(value)}`,
    parse: (line) => {
      const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length
      const tab = line.indexOf(horizontalTab)
      if (tab < 0) return Either.left("no tab between key and value (use --json for JSON lines)")
      if (line.indexOf(horizontalTab, tab + 1) >= 0)
        return Either.left("more than one tab (write a tab in a value as \\t)")
      const key = read(line.subarray(0, tab))
      if (Either.isLeft(key)) return Either.left(`key ${key.left}`)
      const value = read(line.subarray(tab + 1, end))
      if (Either.isLeft(value)) return Either.left(`value ${value.left}`)
      return Either.right({ key: key.right, value: value.right })
    }
  }
}

/** Returns bytes as text on one line. `unescapeBytes` turns it back into the same bytes. */
export const escapeBytes = (bytes: Uint8Array): string => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(bytes)
    ? buffer.toString("utf8").replaceAll(controls, escapeCharacter)
    : buffer.toString("latin1").replaceAll(controlsAndHighBytes, escapeCharacter)
}

/** Returns the bytes of an escaped text. Unescaped bytes need not be UTF-8. */
export const unescapeBytes = (field: Uint8Array): Either.Either<Uint8Array, string> => {
  if (field.indexOf(backslash) < 0) return Either.right(field)
  const bytes = new Uint8Array(field.length)
  let length = 0
  for (let at = 0; at < field.length; at++) {
    const byte = field[at]!
    if (byte !== backslash) {
      bytes[length++] = byte
      continue
    }
    const letter = String.fromCharCode(field[++at] ?? 0)
    if (letter === "x") {
      const digits = String.fromCharCode(field[at + 1] ?? 0, field[at + 2] ?? 0)
      if (!twoHexDigits.test(digits)) return Either.left("has \\x that is not followed by two hexadecimal digits")
      bytes[length++] = Number.parseInt(digits, 16)
      at += 2
    } else {
      const escaped = escapes.get(letter)
      if (escaped === undefined) return Either.left("has an invalid escape (valid are \\t \\n \\r \\\\ \\xHH)")
      bytes[length++] = escaped
    }
  }
  return Either.right(bytes.subarray(0, length))
}

const horizontalTab = 0x09
const carriageReturn = 0x0d
const backslash = 0x5c

const escapes = new Map([
  ["t", 0x09],
  ["n", 0x0a],
  ["r", 0x0d],
  ["\\", 0x5c]
])

const names = new Map(Array.from(escapes, ([letter, byte]) => [byte, `\\${letter}`]))

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const controls = /[\x00-\x1f\\\x7f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const controlsAndHighBytes = /[\x00-\x1f\\\x7f-\xff]/g
const twoHexDigits = /^[0-9a-fA-F]{2}$/

const escapeCharacter = (character: string): string => {
  const byte = character.charCodeAt(0)
  return names.get(byte) ?? `\\x${byte.toString(16).padStart(2, "0")}`
}
