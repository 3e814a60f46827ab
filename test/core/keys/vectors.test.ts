import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { decodeTuple } from "../../../src/core/keys/decodeTuple.js"
import type { KeyTuple } from "../../../src/core/keys/element.js"
import { encodeTuple } from "../../../src/core/keys/encodeTuple.js"
import { Uuid } from "../../../src/core/keys/uuid.js"
import { hex } from "../../support/entries.js"
import { plain } from "./arbitraries.js"

const page = readFileSync(fileURLToPath(new URL("../../../docs/internals/key-encoding.md", import.meta.url)), "utf8")

/** The rows of the table on the page: the text of a tuple, and its bytes. */
const vectors = [...page.matchAll(/^\| `(\[.*\])` \| `([0-9a-f ]*)` \|$/gm)].map(
  ([, text, bytes]) => [text!, bytes!.replaceAll(" ", "")] as const
)

const tupleOf = (text: string): KeyTuple =>
  new Function("bytes", "date", "uuid", `return ${text}`)(
    (digits: string) => Uint8Array.from(Buffer.from(digits, "hex")),
    (time: number) => new Date(time),
    Uuid.parse
  )

describe("the test vectors of the documentation", () => {
  it("are all read", () => {
    expect(vectors.length).toBe(page.match(/^\| `\[[^|]*\| `[0-9a-f]/gm)!.length)
    expect(vectors.length).toBeGreaterThan(35)
  })

  for (const [text, bytes] of vectors) {
    it(text, () => {
      const tuple = tupleOf(text)
      expect(hex(encodeTuple(tuple))).toBe(bytes)
      expect(plain(decodeTuple(Uint8Array.from(Buffer.from(bytes, "hex"))))).toStrictEqual(plain(tuple))
    })
  }
})
