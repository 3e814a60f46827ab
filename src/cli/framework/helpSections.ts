import * as CliConfig from "@effect/cli/CliConfig"
import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import * as HelpDoc from "@effect/cli/HelpDoc"
import type { Definition, HelpSections } from "../help/helpText.js"
import { plainText } from "./console.js"

/** Extracts the parts from the help document that the framework makes for a command. */
export const readHelp = (
  command: CommandDescriptor.Command<unknown>,
  { builtIns }: { readonly builtIns: boolean }
): HelpSections => {
  const paragraphs: Array<string> = []
  const args: Array<Definition> = []
  const options: Array<Definition> = []
  let section = ""
  const visit = (doc: HelpDoc.HelpDoc): void => {
    if (HelpDoc.isSequence(doc)) {
      visit(doc.left)
      visit(doc.right)
    } else if (HelpDoc.isHeader(doc)) {
      section = text(HelpDoc.p(doc.value))
    } else if (HelpDoc.isDescriptionList(doc)) {
      const target = section === "ARGUMENTS" ? args : options
      for (const [term, content] of doc.definitions) target.push(definition(text(HelpDoc.p(term)), content))
    } else if (HelpDoc.isParagraph(doc) && section === "DESCRIPTION") {
      paragraphs.push(text(doc))
    }
  }
  visit(CommandDescriptor.getHelp(command, { ...CliConfig.defaultConfig, showBuiltIns: builtIns }))
  return { description: paragraphs.join(" "), args, options }
}

/**
 * Drops the first paragraph of `content`, the framework's name of the type, which the term shows
 * already. Drops the paragraph that marks an optional setting, and sets `optional` instead.
 */
const definition = (term: string, content: HelpDoc.HelpDoc): Definition => {
  const paragraphs = text(content)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(1)
  const own = paragraphs.filter((line) => line !== optionalMark)
  return {
    term: term.replaceAll(" | ", "|").replaceAll(/[()]/g, ""),
    text: own.join(" "),
    optional: own.length < paragraphs.length
  }
}

const optionalMark = "This setting is optional."

const text = (doc: HelpDoc.HelpDoc): string => plainText(HelpDoc.toAnsiText(doc)).trim()
