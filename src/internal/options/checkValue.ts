import * as Duration from "effect/Duration"
import { faultOf as faultOfPlain } from "../../core/options/check.js"
import type { Duration as DurationKind, SimpleKind } from "../../core/options/kinds.js"
import { readText } from "../../core/options/readText.js"

/** A value that a store can use, or what is wrong with it. */
export type Checked = { readonly value: unknown } | { readonly fault: string }

/** Checks a value of any simple kind. A duration becomes a `Duration`. */
export const checkValue = (kind: SimpleKind, value: unknown): Checked => {
  if (kind.type === "duration") return checkDuration(kind, value)
  const fault = faultOfPlain(kind, value)
  return fault === undefined ? { value } : { fault }
}

/** Reads a value from text and checks it. */
export const checkText = (kind: SimpleKind, text: string): Checked => {
  const read = readText(kind, text)
  return "fault" in read ? read : checkValue(kind, read.value)
}

/** Checks a value that may also be written as text, as in JSON. */
export const checkEncoded = (kind: SimpleKind, value: unknown): Checked =>
  typeof value === "string" && kind.type !== "text" && kind.type !== "choice"
    ? checkText(kind, value)
    : checkValue(kind, value)

const checkDuration = ({ infinite }: DurationKind, value: unknown): Checked => {
  const decoded = Duration.decodeUnknown(value as Duration.DurationInput)
  const isPositive = decoded._tag === "Some" && Duration.toMillis(decoded.value) > 0
  if (isPositive && (infinite || Duration.isFinite(decoded.value))) return { value: decoded.value }
  return { fault: infinite ? "must be a positive duration" : "must be a positive, finite duration" }
}
