import type { Choice, Duration, SimpleKind } from "./kinds.js"

const octal = (mode: number): string => `0o${mode.toString(8)}`

const quoted = (values: ReadonlyArray<string>): string => values.map((value) => JSON.stringify(value)).join(", ")

/** What is wrong with a value of a kind; undefined if nothing is. */
export const faultOf = (kind: Exclude<SimpleKind, Duration>, value: unknown): string | undefined => {
  switch (kind.type) {
    case "whole": {
      const { infinite, least, most } = kind
      if (infinite && value === Number.POSITIVE_INFINITY) return undefined
      if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return undefined
      return `must be a whole number from ${least} to ${most}${infinite ? ", or Infinity" : ""}, not ${shown(value)}`
    }
    case "real": {
      const { least, most } = kind
      if (typeof value === "number" && value >= least && value <= most) return undefined
      return `must be a number from ${least} to ${most}, not ${shown(value)}`
    }
    case "mode": {
      const { least, most } = kind
      const isMode = Number.isInteger(value) && ((value as number) & least) === least
      if (isMode && ((value as number) | most) === most) return undefined
      return `must include the bits of ${octal(least)} and no bits outside ${octal(most)}`
    }
    case "flag":
      return typeof value === "boolean" ? undefined : `must be true or false, not ${shown(value)}`
    case "text":
      if (typeof value !== "string") return `must be a string, not ${shown(value)}`
      return kind.nonEmpty && value === "" ? "must not be empty" : undefined
    case "choice":
      return isChosen(kind, value) ? undefined : `must be ${choices(kind)}, not ${shown(value)}`
  }
}

const isChosen = ({ list, values }: Choice, value: unknown): boolean => {
  if (!Array.isArray(value)) return values.includes(value as string)
  return list === true && value.length > 0 && value.every((each) => values.includes(each))
}

const choices = ({ list, values }: Choice): string =>
  list ? `one of ${quoted(values)}, or a list of these` : `one of ${quoted(values)}`

/** A value in a message. It may be anything that a caller without types passes. */
const shown = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object"
  return typeof value === "function" ? "a function" : String(value)
}
