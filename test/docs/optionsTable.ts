import { optionNames } from "../../src/core/options/options.js"
import { settings } from "../../src/core/options/settings.js"

const begin = "<!-- options: LSM_WRITE_DOCS=1 npx vitest run test/docs/options.test.ts writes the table -->"
const end = "<!-- The end of the table of options. -->"

/** The table of options, made of their descriptions. */
export const optionsTable = (): string =>
  [
    "| option | values | unit | default | |",
    "|---|---|---|---|---|",
    ...settings(optionNames).map(
      ({ about, bounds, fallback, path, unit }) =>
        `| \`${path}\` | ${bounds} | ${unit ?? ""} | ${fallback} | ${about} |`
    )
  ].join("\n")

/** A page with the table in its place. */
export const withTable = (page: string): string => {
  const [before, rest] = page.split(`${begin}\n`)
  const after = rest?.split(`\n${end}`)[1]
  if (before === undefined || after === undefined) throw new Error("the page has no place for the table of options")
  return `${before}${begin}\n${optionsTable()}\n${end}${after}`
}
