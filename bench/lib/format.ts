import { resident, residentBefore } from "./resident.js"
import type { Spread } from "./statistics.js"

const english = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })

export const number = (value: number): string => english.format(value)

export const spreadText = (spread: Spread | undefined): string => {
  if (spread === undefined) return "–"
  const { median, least, most } = spread
  return least === most ? number(median) : `${number(median)} (${number(least)} – ${number(most)})`
}

/** The names of all figures that at least one contender has and that tables show. */
export const figuresOf = (spreads: Readonly<Record<string, Readonly<Record<string, Spread>>>>): ReadonlyArray<string> =>
  [...new Set(Object.values(spreads).flatMap((figures) => Object.keys(figures)))]
    .filter((name) => name !== residentBefore)
    // Last in every table.
    .sort((a, b) => Number(a === resident) - Number(b === resident))

/** Formats lines of cells with aligned columns. The first line is the heading. */
export const table = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const print = (line: ReadonlyArray<string>) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd()
  return [print(lines[0]!), widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1).map(print)].join(
    "\n"
  )
}

/** Formats lines of cells as a Markdown table. */
export const markdownTable = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const print = (line: ReadonlyArray<string>) => `| ${line.join(" | ")} |`
  const align = lines[0]!.map((_, column) => (column === 0 ? "---" : "---:"))
  return [print(lines[0]!), print(align), ...lines.slice(1).map(print)].join("\n")
}
