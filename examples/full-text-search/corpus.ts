import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Document } from "./search.js"

const docs = fileURLToPath(new URL("../../docs/", import.meta.url))

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

/** The sections of a page, without its code. */
const sectionsOf = (path: string, markdown: string): ReadonlyArray<Document> => {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "")
  return prose.split(/^(?=#+ )/m).flatMap((section) => {
    const [, title, text] = /^#+ (.*)\n([\s\S]*)$/.exec(section) ?? []
    return title === undefined || text === undefined ? [] : [{ id: `docs/${path}#${anchorOf(title)}`, title, text }]
  })
}

/** Each section of this project's guide. */
export const readGuide = (): ReadonlyArray<Document> =>
  readdirSync(docs, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .sort()
    .flatMap((path) => sectionsOf(path.replaceAll("\\", "/"), readFileSync(`${docs}${path}`, "utf8")))
