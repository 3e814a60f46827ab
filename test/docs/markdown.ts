import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** The major of Effect that this tree is for. It is the major of the package. */
const major = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version.split(
  "."
)[0]!

/** A fenced block of a page. `line` is that of its first line, counted from 1. */
export interface Block {
  readonly page: string
  readonly line: number
  /** What stands behind the fence, such as `ts` or `js lmdb`. */
  readonly info: string
  readonly text: string
}

/** A page of the project. Paths have forward slashes and begin at the root. */
export interface Page {
  readonly path: string
  readonly blocks: ReadonlyArray<Block>
  /** Its lines outside of blocks, those of blocks being empty. */
  readonly prose: ReadonlyArray<string>
  /** What links to its headings name. */
  readonly anchors: ReadonlySet<string>
}

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

export const readPage = (path: string): Page => {
  const blocks: Array<Block> = []
  const prose: Array<string> = []
  const anchors = new Set<string>()
  let open: { info: string; line: number; lines: Array<string> } | undefined
  for (const [at, line] of readFileSync(join(root, path), "utf8").split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (open !== undefined) {
      if (fence === null) open.lines.push(line)
      else {
        blocks.push({ page: path, line: open.line, info: open.info, text: `${open.lines.join("\n")}\n` })
        open = undefined
      }
      prose.push("")
      continue
    }
    if (fence !== null) open = { info: fence[1]!.trim(), line: at + 2, lines: [] }
    prose.push(fence === null ? line : "")
    const heading = /^#+ (.*)$/.exec(line)
    if (heading === null) continue
    const anchor = anchorOf(heading[1]!)
    let name = anchor
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`
    anchors.add(name)
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block has no end`)
  return { path, blocks, prose, anchors }
}

/** The pages of the guide. */
export const guide: ReadonlyArray<Page> = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .map((name) => `docs/${name.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".md"))
  .sort()
  .map(readPage)

/** Whether a block is for this major of Effect: it is unless its fence names another one. */
const isForThis = ({ info }: Block): boolean => !/\beffect\d\b/.test(info) || info.endsWith(` effect${major}`)

/** The blocks of the guide with this word behind their fence, without those for another major of Effect. */
export const blocksOf = (language: string): ReadonlyArray<Block> =>
  guide.flatMap(({ blocks }) => blocks.filter((block) => block.info.split(" ")[0] === language && isForThis(block)))

/** What a block must print: the block behind it, if that is marked `output`. */
export const outputOf = (block: Block): string | undefined => {
  const { blocks } = guide.find(({ path }) => path === block.page)!
  const next = blocks[blocks.indexOf(block) + 1]
  return next?.info === "output" ? next.text : undefined
}
