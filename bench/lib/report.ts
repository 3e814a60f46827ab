import { scales } from "../rows/scaling.js"
import { figuresOf, markdownTable, spreadText } from "./format.js"
import { us } from "./judges.js"
import { keepText, keptResults, type Result } from "./results.js"
import { barChart, type Line, lineChart } from "./svg.js"

const rowMarkdown = (result: Result): string => {
  const { row, title, figures, verdicts = [], entries, rounds, date, node, versions = {}, absent = {} } = result
  const names = figuresOf(figures)
  const lines = Object.entries(figures).map(([contender, values]) => [
    contender,
    ...names.map((name) => spreadText(values[name]))
  ])
  const about = [
    `${entries.toLocaleString("en")} entries`,
    rounds === 1 ? "1 round" : `${rounds} rounds`,
    date.slice(0, 10),
    `Node ${node}`
  ]
  const modules = Object.entries(versions).map((pair) => pair.join(" "))
  const without = Object.keys(absent).map((name) => `without ${name}`)
  return [
    `## ${row}`,
    `${title}. ${[...about, ...modules, ...without].join(", ")}.`,
    markdownTable([["", ...names], ...lines]),
    ...(verdicts.length > 0
      ? [verdicts.map(({ met, text }) => `- ${met ? "met" : "**NOT MET**"}: ${text}`).join("\n")]
      : []),
    `![${row}](${row}.svg)`
  ].join("\n\n")
}

const rowChart = ({ row, title, figures }: Result): string => {
  const groups = figuresOf(figures).map((name) => ({
    title: name,
    bars: Object.entries(figures).flatMap(([label, values]) => {
      const spread = values[name]
      return spread === undefined || spread === null ? [] : [{ label, spread, ours: label.startsWith(us) }]
    })
  }))
  return barChart(`${row}: ${title}`, groups)
}

/** A chart of the ratios of effect-lsm to the best peer, by the first judge of each row. */
const overview = (results: ReadonlyArray<Result>): string => {
  const bars = results.flatMap(({ row, verdicts = [] }) => {
    const { ratio, met } = verdicts[0] ?? {}
    if (ratio === undefined) return []
    return [{ label: row, spread: { median: ratio, least: ratio, most: ratio }, ours: met === true }]
  })
  return barChart(`${us} to the best peer of each row`, [
    { title: "times as good; blue: wanted ratio met", bars, mark: 1 }
  ])
}

/** Stores a chart for each figure, with a line for each contender over the size of the store. */
const keepScaling = (folder: URL, results: ReadonlyArray<Result>): void => {
  const measured = results.filter(({ row }) => row in scales)
  if (measured.length < 2) return
  const contenders = Object.keys(measured[0]!.figures)
  for (const figure of figuresOf(measured[0]!.figures)) {
    const lines = contenders.map((label): Line => {
      const points = measured.flatMap(({ row, figures }) => {
        const spread = figures[label]?.[figure]
        return spread === undefined ? [] : [[scales[row as keyof typeof scales], spread.median] as const]
      })
      return { label, points }
    })
    const chart = lineChart(`${figure} as the store grows`, lines, { x: "entries", y: figure, logarithmic: true })
    keepText(folder, `scaling-${figure.replace("/", "-per-")}.svg`, chart)
  }
}

/** Writes the table of all stored results, and the charts. */
export const report = (folder: URL, names: ReadonlyArray<string>): void => {
  const results = keptResults(folder, names)
  const heading =
    "# Results\n\nMedian (minimum – maximum). Written by `npm run bench`; ../README.md describes the rows.\n\n"
  keepText(folder, "table.md", `${heading}![overview](overview.svg)\n\n${results.map(rowMarkdown).join("\n\n")}\n`)
  for (const result of results) keepText(folder, `${result.row}.svg`, rowChart(result))
  keepText(folder, "overview.svg", overview(results))
  keepScaling(folder, results)
}
