import { scales } from "../rows/scaling.js"
import { figuresOf, markdownTable, spreadText } from "./format.js"
import { us } from "./judges.js"
import { keepText, keptResults, type Result } from "./results.js"
import { barChart, type Line, lineChart } from "./svg.js"

/** When and with what a row was measured. */
const circumstances = ({ date, commit, node, platform, arch, cores, versions = {} }: Result): string =>
  [
    `${date.slice(0, 10)}, commit ${commit}, Node ${node}, ${platform} ${arch} with ${cores} cores`,
    ...Object.entries(versions).map((pair) => pair.join(" "))
  ].join(", ")

/** The circumstances of most rows. */
const commonCircumstances = (results: ReadonlyArray<Result>): string => {
  const counts = new Map<string, number>()
  for (const text of results.map(circumstances)) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0])[0]
}

const rowMarkdown =
  (common: string) =>
  (result: Result): string => {
    const { row, title, figures, verdicts = [], entries, rounds, absent = {} } = result
    const names = figuresOf(figures)
    const lines = Object.entries(figures).map(([contender, values]) => [
      contender,
      ...names.map((name) => spreadText(values[name]))
    ])
    const measured = circumstances(result)
    const about = [
      ...(row in scales ? [] : [`${entries.toLocaleString("en")} entries`]),
      rounds === 1 ? "1 round" : `${rounds} rounds`,
      ...(measured === common ? [] : [measured]),
      ...Object.keys(absent).map((name) => `without ${name}`)
    ]
    return [
      `## ${row}`,
      `${title}. ${about.join(", ")}.`,
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
  const common = commonCircumstances(results)
  const parts = [
    "# Results",
    "Median (minimum – maximum). Written by `npm run bench`; ../README.md describes the rows.",
    `${common}. A row that was measured otherwise says so.`,
    "![overview](overview.svg)",
    ...results.map(rowMarkdown(common))
  ]
  keepText(folder, "table.md", `${parts.join("\n\n")}\n`)
  for (const result of results) keepText(folder, `${result.row}.svg`, rowChart(result))
  keepText(folder, "overview.svg", overview(results))
  keepScaling(folder, results)
}
