import { readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { expect, root } from "./tools.mjs"

/** The relative links of a markdown text, images and references included, without their anchors. */
const relativeLinks = (text) => {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "")
  const targets = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)[^)]*\)|^\s*\[[^\]]+\]:\s*(\S+)|(?:src|href)="([^"]+)"/gm)]
  return targets
    .map(([, link, reference, attribute]) => link ?? reference ?? attribute)
    .map((target) => target.replace(/[#?].*/, ""))
    .filter((target) => target !== "" && !/^([a-z]+:|\/\/)/i.test(target))
}

/** Checks that every relative link of every markdown file of the package leads to a file or a folder of the package. */
export const checkLinks = (files) => {
  const known = new Set(files)
  for (const file of files) for (let at = posix.dirname(file); at !== "."; at = posix.dirname(at)) known.add(at)
  let count = 0
  const dead = []
  for (const file of files.filter((path) => path.endsWith(".md"))) {
    for (const target of relativeLinks(readFileSync(join(root, file), "utf8"))) {
      count++
      const path = posix.join(posix.dirname(file), decodeURI(target)).replace(/\/$/, "")
      if (!known.has(path)) dead.push(`${file} -> ${target}`)
    }
  }
  expect(dead.length === 0, `links that lead nowhere within the package: ${dead.join(", ")}`)
  return count
}
