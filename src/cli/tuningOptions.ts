import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SimpleKind } from "../core/options/kinds.js"
import { optionNames, options } from "../core/options/options.js"
import { assemble, kebabCase, type Setting, settings } from "../core/options/settings.js"
import { checkText } from "../internal/options/checkValue.js"
import type { Tuning } from "../LsmOptions.js"
import { CommandFailed } from "./failure.js"
import { textOption } from "./framework/parameters.js"

/** What every command decides for itself, and what an option of its own chooses. */
const others: ReadonlyArray<string> = [
  ...optionNames.filter((name) => "opening" in options[name]),
  // A command ends with its writes, so only `sync` and `buffered` make sense.
  "durability"
]

/** The settings that tune a store, in the order of the guide. */
export const tuningSettings: ReadonlyArray<Setting> = settings(optionNames.filter((name) => !others.includes(name)))

const nameOf = (path: string): string => `--${kebabCase(path)}`

const placeholders: Readonly<Record<SimpleKind["type"], string>> = {
  whole: "number",
  real: "number",
  mode: "mode",
  flag: "true|false",
  text: "text",
  choice: "word",
  duration: "duration"
}

/** What stands for the value of a setting in help texts. */
export const placeholderOf = ({ kind }: Setting): string => {
  if (kind.type === "choice") return kind.list ? `${kind.values.join("|")},…` : kind.values.join("|")
  return kind.type === "whole" && kind.unit === "bytes" ? "size" : placeholders[kind.type]
}

const option = (each: Setting) =>
  textOption(kebabCase(each.path), placeholderOf(each), each.about).pipe(Options.optional)

/** An option for each of them. */
export const tuning = Object.fromEntries(tuningSettings.map((each) => [each.path, option(each)]))

/** The values of these options as text. */
export type TuningTexts = Readonly<Record<string, Option.Option<string>>>

/** Whether a name such as `--memtable-bytes` is one of these options. */
export const isTuningOption = (name: string): boolean => tuningSettings.some(({ path }) => nameOf(path) === name)

/** Reads the values of these options. */
export const decodeTuning = (texts: TuningTexts): Effect.Effect<Tuning, CommandFailed> => {
  const values: Array<readonly [Setting, unknown]> = []
  for (const each of tuningSettings) {
    const text = Option.getOrUndefined(texts[each.path] ?? Option.none())
    if (text === undefined) continue
    const checked = checkText(each.kind, text)
    if ("fault" in checked) return refuse(each, checked.fault)
    values.push([each, checked.value])
  }
  const assembled = assemble(values, nameOf)
  return "fault" in assembled ? refuse(assembled.setting, assembled.fault) : Effect.succeed(assembled.options)
}

const refuse = ({ path }: Setting, fault: string): Effect.Effect<never, CommandFailed> =>
  Effect.fail(new CommandFailed({ message: `${nameOf(path)} ${fault}` }))
