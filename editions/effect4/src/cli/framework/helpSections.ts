import type { ArgDoc, FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import type { Definition, HelpSections } from "../help/helpText.js"

/** Extracts the parts from the help document of a command, with its own options or the global ones. */
export const readHelp = (
  { args = [], description, flags, globalFlags = [] }: HelpDoc,
  { builtIns }: { readonly builtIns: boolean }
): HelpSections => ({
  description,
  args: args.map(argument),
  options: (builtIns ? globalFlags : flags).map(option)
})

const argument = ({ description, name, required }: ArgDoc): Definition => ({
  term: `<${name}>`,
  text: Option.getOrElse(description, () => ""),
  optional: !required
})

/** The description ends with the choices, if the option has some. The term shows them instead. */
const option = ({ aliases, description, name, required, type }: FlagDoc): Definition => {
  const [, text = "", choices] = /^(.*?)(?: ?\(choices: (.*)\))?$/s.exec(Option.getOrElse(description, () => ""))!
  const value = type === "choice" ? choices?.replaceAll(", ", "|") : type.replaceAll(/[<>]/g, "")
  const isSwitch = type === "boolean" || type === "[=boolean]"
  return {
    term: [...aliases, `--${name}`].join(", ") + (isSwitch ? "" : ` ${value}`),
    // The framework's own descriptions are no sentences.
    text: text.replace(/[^.]$/, "$&."),
    optional: !required
  }
}
