import * as Command from "@effect/cli/Command"
import { kebabCase, type Setting } from "../../core/options/settings.js"
import { json } from "../arguments.js"
import { wrap } from "../help/wrap.js"
import { writeOutput } from "../io/output.js"
import { placeholderOf, tuningSettings } from "../tuningOptions.js"

const text = (each: Setting): string => {
  const { about, bounds, fallback, path } = each
  const of = `${about} Values: ${bounds}. Default: ${fallback}.`.replaceAll("`", "")
  return `--${kebabCase(path)} ${placeholderOf(each)}\n${wrap(of, "    ", 4)}`
}

const asJson = ({ about, bounds, fallback, path, unit }: Setting): string =>
  `${JSON.stringify({ option: `--${kebabCase(path)}`, about, values: bounds, unit, default: fallback })}\n`

/** `lsmkv options` */
export const optionsCommand = Command.make("options", { json }, (given) =>
  writeOutput(tuningSettings.map(given.json ? asJson : text).join(""))
).pipe(Command.withDescription("Print the options that tune a store. Every command that opens one has them."))
