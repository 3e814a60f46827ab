import type { Description, Fields, SimpleKind } from "../../core/options/kinds.js"
import { unknownName } from "../../core/options/nearest.js"
import { optionNames, options } from "../../core/options/options.js"
import { tellBounds, tellDefault, tellUnit } from "../../core/options/tell.js"
import * as Part from "../effect/optionSchemas.js"
import type { AnySchema } from "../effect/schemaNodes.js"
import { checkEncoded, checkText } from "../options/checkValue.js"

/** The Schema of one value of a kind, as it is written in JSON. */
const schemaOf = (kind: SimpleKind): Part.Any => {
  const read = (encoded: string | number) => checkEncoded(kind, encoded)
  const orText = (schema: Part.Any, to = schema) =>
    Part.either(
      schema,
      Part.fromText(to, (text) => checkText(kind, String(text)))
    )
  switch (kind.type) {
    case "whole": {
      const bounded = Part.whole(kind.least, kind.most)
      return orText(bounded, kind.infinite ? Part.either(bounded, Part.infinity) : bounded)
    }
    case "real":
      return orText(Part.real(kind.least, kind.most))
    case "mode":
      return orText(Part.filtered(Part.whole(kind.least, kind.most), (value) => faultIn(checkEncoded(kind, value))))
    case "flag":
      return Part.flag
    case "text":
      return kind.nonEmpty ? Part.nonEmptyText : Part.text
    case "choice":
      return kind.list
        ? Part.either(Part.choice(kind.values), Part.list(Part.choice(kind.values)))
        : Part.choice(kind.values)
    case "duration":
      return Part.duration(read)
  }
}

const faultIn = (checked: ReturnType<typeof checkEncoded>): string | undefined =>
  "fault" in checked ? checked.fault : undefined

const unknownIn = (known: ReadonlyArray<string>) => (value: object) =>
  Object.keys(value)
    .filter((name) => !known.includes(name) && (value as Readonly<Record<string, unknown>>)[name] !== undefined)
    .map((name) => ({ path: [name], message: `${name} ${unknownName(name, known)}` }))

const fieldsSchema = (name: string, { fields, words }: Fields): Part.Any => {
  const names = Object.keys(fields)
  const parts = names.map((each) => {
    const { required, ...description } = fields[each]!
    const part = Part.described(schemaOf(description.kind), aboutOf(description))
    return [each, required ? part : Part.optional(part)] as const
  })
  const needsOne = !names.some((each) => fields[each]!.required)
  const object = Part.struct(Object.fromEntries(parts), name, (value) =>
    needsOne && names.every((each) => (value as Readonly<Record<string, unknown>>)[each] === undefined)
      ? [{ path: [], message: `must have ${names.join(", ")} or both` }]
      : unknownIn(names)(value)
  )
  return words.length === 0 ? object : Part.either(Part.choice(words), object)
}

const aboutOf = (described: Omit<Description, "opening">): Part.About => {
  const { about, fallback, kind, told } = described
  const unit = tellUnit(kind)
  const ofUnit = unit === undefined ? "" : ` Unit: ${unit}.`
  const description = `${about}${ofUnit} Default: ${tellDefault(described)}.`
  // Fields have messages of their own.
  const message = kind.type === "fields" ? undefined : `must be ${tellBounds(kind)}`
  return { description, message, ...(fallback === undefined || told !== undefined ? {} : { default: fallback }) }
}

/** The Schema of the options of a store. */
export const makeSchema = <A, I>(): AnySchema<A, I> => {
  const parts = optionNames.map((name) => {
    const description: Description = options[name]
    const { kind } = description
    const part = Part.described(
      kind.type === "fields" ? fieldsSchema(name, kind) : schemaOf(kind),
      aboutOf(description)
    )
    return [name, name === "directory" ? part : Part.optional(part)] as const
  })
  return Part.struct<A, I>(Object.fromEntries(parts), "LsmOptions", unknownIn(optionNames))
}
