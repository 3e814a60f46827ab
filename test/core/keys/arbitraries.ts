import * as FastCheck from "effect/FastCheck"
import type { KeyElement, KeyTuple } from "../../../src/core/keys/element.js"
import { Uuid } from "../../../src/core/keys/uuid.js"
import { hex } from "../../support/entries.js"

const text = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }).filter((value) => value.isWellFormed()),
  FastCheck.array(FastCheck.constantFrom("a", "\0", "é", "€", "\uffff", "😀", "\ufeff", "\x7f"), { maxLength: 6 }).map(
    (parts) => parts.join("")
  )
)

const bytes = FastCheck.oneof(
  FastCheck.uint8Array({ maxLength: 8 }),
  FastCheck.array(FastCheck.constantFrom(0, 1, 0xfe, 0xff), { maxLength: 6 }).map((list) => Uint8Array.from(list))
)

export const anyNumber = FastCheck.oneof(
  FastCheck.double({ noNaN: true }),
  FastCheck.integer(),
  FastCheck.constantFrom(0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** 53)
)

/** Integers of all lengths, and those about the lengths at which the encoding changes. */
export const anyInteger = FastCheck.oneof(
  FastCheck.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
  FastCheck.bigInt({ min: -300n, max: 300n }),
  FastCheck.tuple(
    FastCheck.constantFrom(8, 16, 32, 48, 53, 56, 64, 72, 2032, 2040, 2048, 2056),
    FastCheck.bigInt({ min: -2n, max: 2n }),
    FastCheck.boolean()
  ).map(([bits, more, isNegative]) => (isNegative ? -1n : 1n) * (2n ** BigInt(bits) + more))
)

const uuid = FastCheck.uint8Array({ minLength: 16, maxLength: 16 }).map((value) => new Uuid(value))

const date = FastCheck.oneof(
  FastCheck.date({ noInvalidDate: true }),
  FastCheck.constantFrom(0, -1, 1, 8.64e15, -8.64e15, 2 ** 32, -(2 ** 32)).map((time) => new Date(time))
)

export const anyElement: FastCheck.Arbitrary<KeyElement> = FastCheck.letrec<{ element: KeyElement }>((tie) => ({
  element: FastCheck.oneof(
    { maxDepth: 4, depthIdentifier: "key" },
    FastCheck.constant(null),
    FastCheck.boolean(),
    text,
    bytes,
    anyNumber,
    anyInteger,
    uuid,
    date,
    FastCheck.array(tie("element"), { maxLength: 4, depthIdentifier: "key" })
  )
})).element

export const anyTuple: FastCheck.Arbitrary<KeyTuple> = FastCheck.array(anyElement, { maxLength: 4 })

/** Tuples of which many are alike in their first elements. */
export const anyPair: FastCheck.Arbitrary<readonly [KeyTuple, KeyTuple]> = FastCheck.oneof(
  FastCheck.tuple(anyTuple, anyTuple),
  FastCheck.tuple(anyTuple, anyTuple, anyTuple).map(
    ([common, a, b]) =>
      [
        [...common, ...a],
        [...common, ...b]
      ] as const
  ),
  FastCheck.tuple(text, text).map(([a, b]) => [[a], [b]] as const),
  FastCheck.tuple(bytes, bytes).map(([a, b]) => [[a], [b]] as const),
  FastCheck.tuple(anyNumber, anyNumber).map(([a, b]) => [[a], [b]] as const),
  FastCheck.tuple(anyInteger, anyInteger).map(([a, b]) => [[a], [b]] as const),
  FastCheck.tuple(date, date).map(([a, b]) => [[a], [b]] as const)
)

const ranks = ["null", "bytes", "string", "tuple", "bigint", "number", "boolean", "uuid", "date"] as const

const kindOf = (element: KeyElement): (typeof ranks)[number] => {
  if (element === null) return "null"
  if (typeof element !== "object") return typeof element as "string" | "bigint" | "number" | "boolean"
  if (element instanceof Uint8Array) return "bytes"
  if (element instanceof Date) return "date"
  return element instanceof Uuid ? "uuid" : "tuple"
}

const order = <A>(a: A, b: A): number => (a < b ? -1 : a > b ? 1 : 0)

const compareElements = (a: KeyElement, b: KeyElement): number => {
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return ranks.indexOf(kind) - ranks.indexOf(kindOf(b))
  if (kind === "tuple") return compareTuples(a as KeyTuple, b as KeyTuple)
  if (kind === "bytes") return Buffer.compare(a as Uint8Array, b as Uint8Array)
  if (kind === "uuid") return order(String(a), String(b))
  if (kind === "date") return order((a as Date).getTime(), (b as Date).getTime())
  if (kind !== "string") return order(a, b)
  const points = (value: KeyElement) => Array.from(value as string, (character) => character.codePointAt(0)!)
  return compareTuples(points(a), points(b))
}

/** The order that the encoding promises, said without bytes. */
export const compareTuples = (a: KeyTuple, b: KeyTuple): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const sign = compareElements(a[i]!, b[i]!)
    if (sign !== 0) return sign
  }
  return a.length - b.length
}

/** A tuple in a form that `toStrictEqual` compares, with 0 for -0. */
export const plain = (element: KeyElement): unknown => {
  if (Array.isArray(element)) return element.map(plain)
  if (element instanceof Uint8Array) return `bytes ${hex(element)}`
  return typeof element === "number" ? element + 0 : element
}
