import { code, deepest, escape, type KeyElement, type KeyTuple } from "./element.js"
import { writeInteger } from "./integers.js"
import { KeyFailure } from "./keyFailure.js"
import { KeyWriter } from "./keyWriter.js"
import { Uuid } from "./uuid.js"

const none = new Uint8Array(0)

/** Shared, because a key is written in one synchronous step. */
const writer = new KeyWriter()

/**
 * The bytes of a tuple behind `prefix`. The order of the bytes is the order of the tuples: element by
 * element, and a tuple before those that it begins. Elements of different types are in the order of
 * their codes, strings in that of their code points. -0 is written as 0.
 *
 * Throws `KeyFailure` for NaN, an invalid Date, a string with a lone surrogate, a value of another
 * type, and for tuples that are nested more than 64 deep.
 */
export const encodeTuple = (tuple: KeyTuple, prefix: Uint8Array = none): Uint8Array => {
  writer.begin(prefix)
  for (let i = 0; i < tuple.length; i++) writeElement(tuple[i], 0)
  return writer.end()
}

const writeElement = (element: KeyElement | undefined, depth: number): void => {
  switch (typeof element) {
    case "string":
      writer.byte(code.string)
      return writer.text(element)
    case "number":
      return writer.double(element)
    case "bigint":
      return writeInteger(writer, element)
    case "boolean":
      return writer.byte(element ? code.true : code.false)
    case "object":
      return writeObject(element, depth)
    default:
      throw new KeyFailure(`a key cannot hold ${element === undefined ? "undefined" : `a ${typeof element}`}`)
  }
}

const writeObject = (element: object | null, depth: number): void => {
  if (element === null) return writer.byte(code.null)
  if (Array.isArray(element)) return writeTuple(element, depth + 1)
  if (element instanceof Uint8Array) {
    writer.byte(code.bytes)
    return writer.escaped(element)
  }
  if (element instanceof Date) return writer.date(element)
  if (element instanceof Uuid) {
    writer.byte(code.uuid)
    return writer.raw(element.bytes)
  }
  throw new KeyFailure(`a key cannot hold ${element.constructor?.name ?? "an object"}`)
}

/** A nested tuple ends with a zero byte. A null in it is escaped, so that it does not look like the end. */
const writeTuple = (tuple: KeyTuple, depth: number): void => {
  if (depth > deepest) throw new KeyFailure(`tuples are nested more than ${deepest} deep`)
  writer.byte(code.tuple)
  for (let i = 0; i < tuple.length; i++) {
    writeElement(tuple[i], depth)
    if (tuple[i] === null) writer.byte(escape)
  }
  writer.byte(0)
}
