import { tellBytes } from "./bytes.js"
import type { Field, Kind } from "./kinds.js"

const isSize = (kind: Kind): boolean => kind.type === "whole" && kind.unit === "bytes"

const tellNumber = (kind: Kind, value: number): string => {
  if (value === Number.MAX_SAFE_INTEGER) return "2^53 - 1"
  if (value === 2 ** 31 - 1) return "2^31 - 1"
  return isSize(kind) ? tellBytes(value) : String(value)
}

/** The default of an option in words. */
export const tellDefault = ({
  fallback,
  kind,
  told
}: Pick<Field, "fallback" | "told"> & { readonly kind: Kind }): string => {
  if (told !== undefined) return told
  if (kind.type === "mode") return `0o${(fallback as number).toString(8)}`
  if (typeof fallback === "number") return tellNumber(kind, fallback)
  return String(fallback)
}

/** The unit of an option's value; undefined if it has none. */
export const tellUnit = (kind: Kind): string | undefined => {
  switch (kind.type) {
    case "whole":
    case "real":
      return kind.unit
    case "duration":
      return "duration"
    case "mode":
      return "permission bits"
    default:
      return undefined
  }
}

/** The values that an option may have, in words. */
export const tellBounds = (kind: Kind): string => {
  switch (kind.type) {
    case "whole": {
      const range = `${tellNumber(kind, kind.least)} to ${tellNumber(kind, kind.most)}`
      return kind.infinite ? `${range}, or Infinity` : range
    }
    case "real":
      return `${kind.least} to ${kind.most}`
    case "mode":
      return `0o${kind.least.toString(8)} to 0o${kind.most.toString(8)}`
    case "flag":
      return "true or false"
    case "text":
      return kind.nonEmpty ? "a string that is not empty" : "a string"
    case "choice":
      return kind.list ? `${kind.values.join(", ")}, or a list of these` : kind.values.join(", ")
    case "duration":
      return kind.infinite ? "longer than 0, or Infinity" : "longer than 0, finite"
    case "fields": {
      const fields = Object.keys(kind.fields).join(", ")
      return [...kind.words, `an object with ${fields}`].join(", ")
    }
  }
}
