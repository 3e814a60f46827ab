import { existsSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { guide, type Page, readPage, root } from "./markdown.js"

const others = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].filter((path) => existsSync(join(root, path)))
const pages = [...guide, ...others.map(readPage)]

interface Link {
  readonly line: number
  readonly target: string
}

const linksOf = ({ prose }: Page): ReadonlyArray<Link> =>
  prose.flatMap((line, at) =>
    [...line.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({
      line: at + 1,
      target: target!
    }))
  )

const isRelative = (target: string): boolean => !/^[a-z]+:/.test(target)

/** Where a link leads: a path from the root, and an anchor. */
const resolve = (page: Page, target: string): { readonly path: string; readonly anchor: string | undefined } => {
  const [path, anchor] = target.split("#")
  const full = path === "" ? page.path : normalize(join(dirname(page.path), path!)).replaceAll("\\", "/")
  return { path: full, anchor }
}

/** Why a link is broken, if it is. */
const faultOf = (page: Page, target: string): string | undefined => {
  const { path, anchor } = resolve(page, target)
  if (path.startsWith("..") || !existsSync(join(root, path))) return "no such file"
  if (anchor === undefined) return undefined
  if (!path.endsWith(".md") || statSync(join(root, path)).isDirectory()) return "an anchor in what is no page"
  return readPage(path).anchors.has(anchor) ? undefined : "no such heading"
}

describe("the guide", () => {
  it("has no broken links", () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter(({ target }) => isRelative(target))
        .flatMap(({ line, target }) => {
          const fault = faultOf(page, target)
          return fault === undefined ? [] : [`${page.path}:${line}: ${target}: ${fault}`]
        })
    )
    expect(broken).toEqual([])
  })

  it("has every page in its index", () => {
    const index = guide.find(({ path }) => path === "docs/README.md")!
    const listed = new Set(linksOf(index).map(({ target }) => resolve(index, target).path))
    const missing = guide.filter((page) => page !== index && !listed.has(page.path)).map(({ path }) => path)
    expect(missing).toEqual([])
  })

  it("is wrapped at 100 columns", () => {
    const long = guide.flatMap(({ path, prose }) =>
      prose.flatMap((line, at) => (line.length > 100 && !line.startsWith("|") ? [`${path}:${at + 1}`] : []))
    )
    expect(long).toEqual([])
  })
})
