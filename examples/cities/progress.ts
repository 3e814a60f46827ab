import { Terminal } from "@effect/platform"
import { Effect } from "effect"
import { number } from "./format.js"

const width = 30
const linesWithoutTerminal = 4

/**
 * A progress bar that is redrawn in place. If the output is not a terminal, prints a few lines
 * instead.
 */
export const makeProgress = (what: string, total: number) =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    const interactive = process.stdout.isTTY
    let lines = 0
    return (done: number) => {
      const part = done / total
      const figures = `${number(done)} of ${number(total)} ${what}`
      if (interactive) {
        const bar = "█".repeat(part * width).padEnd(width, "░")
        return terminal.display(`\r  ${bar} ${figures}${done === total ? "\n" : ""}`)
      }
      if (part * linesWithoutTerminal < lines + 1) return Effect.void
      lines = Math.floor(part * linesWithoutTerminal)
      return terminal.display(`  ${figures}\n`)
    }
  })
