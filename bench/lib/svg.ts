/** Charts as plain SVG: bars with their spread, and lines over a scale. */
import { number } from "./format.js"
import type { Spread } from "./statistics.js"

const font = `font-family="system-ui, sans-serif" font-size="12" fill="#24292f"`
const palette = ["#0969da", "#1a7f37", "#9a6700", "#8250df", "#cf222e", "#0a7ea4", "#6e7781"]

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)

interface TextOptions {
  readonly anchor?: "start" | "middle" | "end"
  readonly bold?: boolean
}

const text = (x: number, y: number, content: string, { anchor = "start", bold = false }: TextOptions = {}): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${bold ? ` font-weight="600"` : ""}>${escaped(content)}</text>`

const svg = (width: number, height: number, parts: ReadonlyArray<string>): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font}>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`

export interface Bar {
  readonly label: string
  readonly spread: Spread
  readonly ours: boolean
}

export interface BarGroup {
  readonly title: string
  readonly bars: ReadonlyArray<Bar>
  /** A value that a vertical line marks. */
  readonly mark?: number
}

/**
 * Horizontal bars from zero, with a line from the minimum to the maximum. Bars with `ours` are
 * highlighted. Each group has a separate scale.
 */
export const barChart = (title: string, groups: ReadonlyArray<BarGroup>): string => {
  const [width, left, right, line] = [760, 200, 90, 22]
  const parts = [text(12, 22, title, { bold: true })]
  let y = 34
  for (const { title, bars, mark } of groups) {
    parts.push(text(12, y + 15, title))
    y += line
    const most = Math.max(...bars.map(({ spread }) => spread.most), Number.MIN_VALUE)
    const x = (value: number) => left + (value / most) * (width - left - right)
    for (const { label, spread, ours } of bars) {
      const { median, least, most } = spread
      parts.push(
        text(left - 8, y + 15, label, { anchor: "end", bold: ours }),
        `<rect x="${left}" y="${y + 3}" width="${(x(median) - left).toFixed(1)}" height="16" fill="${ours ? palette[0] : "#afb8c1"}"/>`,
        `<path d="M${x(least).toFixed(1)} ${y + 11}H${x(most).toFixed(1)}" stroke="#24292f" stroke-width="1.5"/>`,
        text(x(most) + 6, y + 15, number(median), { bold: ours })
      )
      y += line
    }
    if (mark !== undefined && mark <= most) {
      const from = y - bars.length * line
      parts.push(`<path d="M${x(mark).toFixed(1)} ${from}V${y}" stroke="#cf222e" stroke-dasharray="4 3"/>`)
    }
    y += 8
  }
  return svg(width, y + 6, parts)
}

export interface Line {
  readonly label: string
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface Axes {
  readonly x: string
  readonly y: string
  /** Whether the x axis is logarithmic. */
  readonly logarithmic?: boolean
}

/** About five ticks up to `most`, in steps of one, two or five times a power of ten. */
const ticks = (most: number): ReadonlyArray<number> => {
  const power = 10 ** Math.floor(Math.log10(most / 5))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 6)!
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step)
}

export const lineChart = (title: string, lines: ReadonlyArray<Line>, axes: Axes): string => {
  const [width, height, left, right, top, bottom] = [760, 360, 76, 150, 44, 48]
  const points = lines.flatMap((line) => line.points)
  const scaled = axes.logarithmic === true ? Math.log10 : (value: number) => value
  const xs = points.map(([x]) => scaled(x))
  const [from, to] = [Math.min(...xs), Math.max(...xs)]
  const most = Math.max(...points.map(([, y]) => y), Number.MIN_VALUE)
  const x = (value: number) => left + ((scaled(value) - from) / (to - from || 1)) * (width - left - right)
  const y = (value: number) => height - bottom - (value / most) * (height - top - bottom)
  const xTicks =
    axes.logarithmic === true ? [...new Set(points.map(([x]) => x))] : ticks(to).filter((value) => value >= from)
  const parts = [text(12, 22, title, { bold: true }), text(12, 38, axes.y)]
  for (const value of ticks(most)) {
    parts.push(
      `<path d="M${left} ${y(value).toFixed(1)}H${width - right}" stroke="#d0d7de"/>`,
      text(left - 6, y(value) + 4, number(value), { anchor: "end" })
    )
  }
  for (const value of xTicks) parts.push(text(x(value), height - bottom + 18, number(value), { anchor: "middle" }))
  parts.push(text((left + width - right) / 2, height - 10, axes.x, { anchor: "middle" }))
  lines.forEach(({ label, points }, i) => {
    const color = palette[i % palette.length]
    const path = points.map(([px, py]) => `${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("L")
    parts.push(`<path d="M${path}" fill="none" stroke="${color}" stroke-width="${i === 0 ? 2.5 : 1.5}"/>`)
    if (points.length <= 10) {
      for (const [px, py] of points) {
        parts.push(`<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${color}"/>`)
      }
    }
    const legend = top + i * 20
    parts.push(
      `<rect x="${width - right + 16}" y="${legend - 9}" width="12" height="12" fill="${color}"/>`,
      text(width - right + 34, legend + 1, label, { bold: i === 0 })
    )
  })
  return svg(width, height, parts)
}
