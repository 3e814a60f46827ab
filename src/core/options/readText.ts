import { readBytes } from "./bytes.js"
import type { SimpleKind, Whole } from "./kinds.js"

/** A value, or what is wrong with the text. */
export type Read = { readonly value: unknown } | { readonly fault: string }

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false
}

const infinite = "Infinity"

/**
 * Reads a value of a kind from text, as environment variables, command lines and JSON have it. The
 * bounds are not checked here.
 */
export const readText = (kind: SimpleKind, text: string): Read => {
  const trimmed = text.trim()
  switch (kind.type) {
    case "whole":
      return number(trimmed === infinite ? Number.POSITIVE_INFINITY : readWhole(kind, trimmed), wanted(kind), text)
    case "real":
      return number(readNumber(trimmed), "a number", text)
    case "mode":
      return number(
        /^(0o?)?[0-7]+$/.test(trimmed) ? Number.parseInt(trimmed.replace("o", ""), 8) : undefined,
        "an octal number such as 0600",
        text
      )
    case "flag": {
      const value = Object.hasOwn(words, trimmed.toLowerCase()) ? words[trimmed.toLowerCase()] : undefined
      return value === undefined ? { fault: `must be true or false, not ${JSON.stringify(text)}` } : { value }
    }
    case "text":
      return { value: text }
    case "choice": {
      const list = trimmed.split(",").map((each) => each.trim())
      return { value: kind.list && list.length > 1 ? list : trimmed }
    }
    case "duration":
      // A number is milliseconds, as in Effect's durations.
      return { value: trimmed === infinite ? Number.POSITIVE_INFINITY : (readNumber(trimmed) ?? trimmed) }
  }
}

const wanted = ({ unit }: Whole): string => (unit === "bytes" ? "a size such as 4096 or 64 MiB" : "a whole number")

const readWhole = ({ unit }: Whole, text: string): number | undefined =>
  unit === "bytes" ? (readBytes(text) ?? readNumber(text)) : readNumber(text)

const readNumber = (text: string): number | undefined =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined

const number = (value: number | undefined, what: string, text: string): Read =>
  value === undefined ? { fault: `must be ${what}, not ${JSON.stringify(text)}` } : { value }
