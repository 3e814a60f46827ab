import type { Kind, SimpleKind } from "./kinds.js"
import { type OptionName, options } from "./options.js"
import { tellBounds, tellDefault, tellUnit } from "./tell.js"

/**
 * A setting that is written as one text: an option, or a field of one. Environment variables and
 * options of the command line have one for each.
 */
export interface Setting {
  readonly option: OptionName
  /** The field of the option's value, if the option has fields. */
  readonly field: string | undefined
  /** `memtableBytes`, or `durability.interval`. */
  readonly path: string
  readonly kind: SimpleKind
  readonly about: string
  readonly fallback: string
  readonly unit: string | undefined
  readonly bounds: string
}

const setting = (
  option: OptionName,
  field: string | undefined,
  kind: SimpleKind,
  about: string,
  fallback: string
): Setting => ({
  option,
  field,
  path: field === undefined ? option : `${option}.${field}`,
  kind,
  about,
  fallback,
  unit: tellUnit(kind),
  bounds: tellBounds(kind)
})

const settingsOf = (option: OptionName): ReadonlyArray<Setting> => {
  const description = options[option]
  const { about, kind } = description
  if (kind.type !== "fields") return [setting(option, undefined, kind, about, tellDefault(description))]
  const words: ReadonlyArray<Setting> =
    kind.words.length === 0
      ? []
      : [setting(option, undefined, { type: "choice", values: kind.words }, about, tellDefault(description))]
  const fields = Object.entries(kind.fields).map(([name, field]) =>
    setting(option, name, field.kind, field.about, tellDefault(field))
  )
  return [...words, ...fields]
}

/** All settings, or those of some options. */
export const settings = (of: ReadonlyArray<OptionName>): ReadonlyArray<Setting> => of.flatMap(settingsOf)

/** The words of a name such as `level0Tables` or `durability.maxBytes`: `level0 tables`, `durability max bytes`. */
const wordsOf = (path: string): ReadonlyArray<string> =>
  path
    .replaceAll(/[A-Z]/g, (letter) => `.${letter}`)
    .toLowerCase()
    .split(".")

/** `LEVEL0_TABLES` */
export const constantCase = (path: string): string => wordsOf(path).join("_").toUpperCase()

/** `level0-tables` */
export const kebabCase = (path: string): string => wordsOf(path).join("-")

/** Values of settings, in the order of their options. */
export type Values = ReadonlyArray<readonly [setting: Setting, value: unknown]>

/**
 * Options from the values of settings. Those that are undefined are left out. Or what is wrong with a
 * setting beside the others, which `nameOf` names.
 */
export const assemble = (
  values: Values,
  nameOf: (path: string) => string
): { readonly options: Readonly<Record<string, unknown>> } | { readonly setting: Setting; readonly fault: string } => {
  const result: Record<string, unknown> = {}
  for (const [each, value] of values) {
    const { field, option } = each
    if (value === undefined) continue
    if (field === undefined) {
      result[option] = value
      continue
    }
    const before = result[option]
    if (typeof before === "string") return { setting: each, fault: `cannot be used beside ${nameOf(option)}` }
    const missing = missingBeside(values, each)
    if (missing !== undefined) return { setting: each, fault: `needs ${nameOf(`${option}.${missing}`)} beside it` }
    result[option] = { ...(before as object | undefined), [field]: value }
  }
  return { options: result }
}

/** A field that an option needs and that has no value. */
const missingBeside = (values: Values, { option }: Setting): string | undefined => {
  const { kind }: { readonly kind: Kind } = options[option]
  const isGiven = (name: string) =>
    values.some(([each, value]) => each.option === option && each.field === name && value !== undefined)
  return kind.type === "fields"
    ? Object.keys(kind.fields).find((name) => kind.fields[name]!.required && !isGiven(name))
    : undefined
}
