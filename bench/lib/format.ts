import type { Spread } from "./statistics.js"

const english = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })

export const number = (value: number): string => english.format(value)

export const spreadText = ({ median, least, most }: Spread): string =>
  least === most ? number(median) : `${number(median)} (${number(least)} – ${number(most)})`

/** Lines of cells with their columns aligned; the first line is the heading. */
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
