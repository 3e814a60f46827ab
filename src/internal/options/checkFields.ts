import type { Fields } from "../../core/options/kinds.js"
import { unknownName } from "../../core/options/nearest.js"
import { type Checked, checkValue } from "./checkValue.js"

const shape = ({ fields, words }: Fields): string => {
  const object = `{ ${Object.keys(fields).join(", ")} }`
  return [...words.map((word) => JSON.stringify(word)), object].join(" or ")
}

/** Checks a value that is a word or an object of fields, and fills in the defaults of fields. */
export const checkFields = (kind: Fields, value: unknown): Checked => {
  if (typeof value === "string" && kind.words.includes(value)) return { value }
  if (typeof value !== "object" || value === null) return { fault: `must be ${shape(kind)}` }
  const given = value as Readonly<Record<string, unknown>>
  const names = Object.keys(kind.fields)
  const unknown = Object.keys(given).find((name) => given[name] !== undefined && !names.includes(name))
  if (unknown !== undefined) return { fault: `${unknown} ${unknownName(unknown, names)}` }
  const isRequired = names.some((name) => kind.fields[name]!.required)
  if (!isRequired && names.every((name) => given[name] === undefined)) {
    return { fault: `must have ${names.join(", ")} or both` }
  }
  const result: Record<string, unknown> = {}
  for (const name of names) {
    const { fallback, kind: ofField, required } = kind.fields[name]!
    const each = given[name] ?? fallback
    if (each === undefined && !required) continue
    const checked = checkValue(ofField, each)
    if ("fault" in checked) return { fault: `${name} ${checked.fault}` }
    result[name] = checked.value
  }
  return { value: result }
}
