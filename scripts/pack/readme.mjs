import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, major, root, run } from "./tools.mjs"

const text = readFileSync(join(root, "README.md"), "utf8")

const blocks = (language) =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].filter(([, of]) => of === language).map(([, , code]) => code)

/** The lines for Effect 3 name versions: what has none is the newest, and for Effect 4. */
const majorOf = (line) => (/@(effect3|3|0\.\d+)\b/.test(line) ? 3 : 4)

/** The lines of the README that install packages for this edition, in their order, as printed but for comments. */
export const installLines = blocks("sh")
  .flatMap((code) => code.split("\n").map((line) => line.replace(/#.*/, "").trim()))
  .filter((line) => line.startsWith("npm install") && majorOf(line) === major)

/** The complete programs of the README: those that import the package. */
export const programs = blocks("ts").filter((code) => code.includes('from "effect-lsm'))

expect(installLines.length > 0, "the README has no install line")
expect(programs.length > 0, "the README has no program")

/** Runs an install line in a project, with the tarball in the place of the package's name and nothing else changed. */
export const install = (line, tarball, project) => {
  const words = line.split(/\s+/)
  const [npm, ...args] = words.map((word) => (/^effect-lsm(@effect3)?$/.test(word) ? tarball : word))
  run(npm, args, project, { ...process.env, npm_config_audit: "false", npm_config_fund: "false" })
}
