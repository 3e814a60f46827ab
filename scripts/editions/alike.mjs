// Finds files that both editions have although most of their lines are alike: what is alike belongs
// into a file that both share, or into a rule of the transformation.
//
// A file of editions/effect4 is compared with what the transformation makes of the root's file of
// the same path. Imports and lines without a word do not count.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ownFiles, rewriter } from "./assemble.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** How many of a file's lines may be alike. */
const most = 0.5

const linesOf = (text) =>
  text
    .replace(/^(import|export) [^;]*? from ".*"$/gms, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /\w/.test(line))

/** The share of the lines of `own` that `other` has too, each line as often as it occurs there. */
export const alikeness = (own, other) => {
  const left = new Map()
  for (const line of linesOf(other)) left.set(line, (left.get(line) ?? 0) + 1)
  const lines = linesOf(own)
  const alike = lines.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count > 0
  })
  return lines.length === 0 ? 0 : alike.length / lines.length
}

const rewritten = rewriter()
const faults = []
let compared = 0
for (const [name, path] of ownFiles()) {
  const shared = join(root, name)
  if (!existsSync(shared)) continue
  compared++
  const share = alikeness(readFileSync(path, "utf8"), rewritten(shared).toString())
  if (process.argv.includes("--verbose")) console.log(`${Math.round(share * 100)} % ${name}`)
  if (share > most)
    faults.push(`editions/effect4/${name}: ${Math.round(share * 100)} % of its lines are those of ${name}`)
}
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(`editions: ${compared} files exist in both, each with at most half of its lines alike`)
