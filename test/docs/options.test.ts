import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "./markdown.js"
import { withTable } from "./optionsTable.js"

const path = join(root, "docs/configuration.md")

describe("the table of options in the guide", () => {
  it("is made of their descriptions", () => {
    const page = readFileSync(path, "utf8")
    if (process.env["LSM_WRITE_DOCS"] === "1") writeFileSync(path, withTable(page))
    expect(readFileSync(path, "utf8")).toBe(withTable(page))
  })
})
