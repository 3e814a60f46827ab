import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { chooseFormat } from "../../src/cli/format/chooseFormat.js"
import type { Encoding } from "../../src/cli/format/encoding.js"
import { LineSplitter } from "../../src/cli/io/lineSplitter.js"
import { wrongType } from "../support/libraryMessages.js"

describe("the lines of lsmkv", () => {
  it("explains errors in a line", () => {
    const faults = (json: boolean, encoding: Encoding, lines: ReadonlyArray<string>) =>
      lines.map((line) => Either.getOrNull(Either.flip(chooseFormat(json, encoding).parse(Buffer.from(line)))))
    expect(faults(false, "utf8", ["no tab", "a\tb\tc", "a\t\\q", "a\\\tb", "\\x1\tb", "\t"])).toStrictEqual([
      "no tab between key and value (use --json for JSON lines)",
      "more than one tab (write a tab in a value as \\t)",
      "value has an invalid escape (valid are \\t \\n \\r \\\\ \\xHH)",
      "key has an invalid escape (valid are \\t \\n \\r \\\\ \\xHH)",
      "key has \\x that is not followed by two hexadecimal digits",
      null
    ])
    expect(faults(false, "hex", ["6x\t00", "61\t0", "61\tFF"])).toStrictEqual([
      "key is not hexadecimal",
      "value is not hexadecimal",
      null
    ])
    expect(faults(true, "base64", [`{"key":"YQ","value":""}`, `{"key":"YQ==","value":"/+8="}`])).toStrictEqual([
      "key is not base64",
      null
    ])
    const one = `needs either "value" or "delete": true`
    expect(
      faults(true, "utf8", [
        `{"key":"a"}`,
        `{"key":"a","value":"","delete":true}`,
        `{"key":1,"value":""}`,
        `{"key":"a","value":"","ttl":5}`,
        `{"key":"\\ud800","value":""}`,
        `{"key":"a","delete":true}`
      ])
    ).toStrictEqual([
      one,
      one,
      `"key": ${wrongType("string", 1)}`,
      `"ttl": is unexpected, expected: "key" | "value" | "delete"`,
      "key contains a lone surrogate, which has no UTF-8 encoding",
      null
    ])
    expect(faults(true, "utf8", ["{", "[]"])).toStrictEqual([expect.stringContaining("JSON"), expect.any(String)])
  })

  it("reads back every byte that it writes as text", () => {
    const format = chooseFormat(false, "utf8")
    for (let byte = 0; byte < 256; byte++) {
      for (const entry of [
        { key: Uint8Array.of(byte), value: Uint8Array.of(0xc3, byte) },
        { key: Uint8Array.of(byte, 0xc3), value: Uint8Array.of(byte, byte, 0x78) }
      ]) {
        const line = Buffer.from(format.renderEntry(entry) ?? "")
        expect(line.includes(0x0a)).toBe(false)
        const read = Either.getOrThrow(format.parse(line))
        expect([...read.key, -1, ...(read.value ?? [])]).toStrictEqual([...entry.key, -1, ...entry.value])
      }
    }
  })

  it("splits lines, whatever the pieces are", () => {
    const text = Buffer.from("one\n\ntwo and more\nthree")
    for (let size = 1; size <= text.length; size++) {
      const splitter = new LineSplitter()
      const lines: Array<string> = []
      for (let at = 0; at < text.length; at += size) {
        splitter.push(text.subarray(at, at + size))
        for (let line = splitter.next(); line !== undefined; line = splitter.next())
          lines.push(Buffer.from(line).toString())
      }
      lines.push(Buffer.from(splitter.last() ?? "").toString())
      expect(lines).toStrictEqual(["one", "", "two and more", "three"])
      expect(splitter.lines).toBe(4)
      expect(splitter.last()).toBe(undefined)
    }
  })
})
