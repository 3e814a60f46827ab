import type { Contender, Row } from "../lib/row.js"

/** Loads a contender only in the process that measures it. */
const lazily =
  (name: string): Contender =>
  async (run) =>
    (await import("../ours/compactionDelay.js")).contenders[name]!(run)

const names = ["no compaction", "in process", "in a thread"]
  .flatMap((name) => [`paced, ${name}`, name])
  .sort()
  .reverse()

export const compactionDelay: Row = {
  title: "5 fibers that write during constant compactions",
  contenders: Object.fromEntries(names.map((name) => [name, lazily(name)])),
  judges: [
    (median) => {
      const here = median("paced, in process", "p99.9 ms")
      const there = median("paced, in a thread", "p99.9 ms")
      if (here === undefined || there === undefined) return undefined
      const text = `delay p99.9 at the same pace: ${there.toFixed(1)} ms in a thread, ${here.toFixed(1)} ms in process`
      return { text, met: there < here, ratio: here / there }
    }
  ]
}
