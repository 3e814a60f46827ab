import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { optionNames } from "../../src/core/options/options.js"
import { kebabCase, settings } from "../../src/core/options/settings.js"
import { describeWith } from "../support/describeWith.js"
import { complaint, output } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

describeWith(NodeFileSystem.layer)("the options of lsmkv that tune a store", (it) => {
  it.scoped("are taken as text", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      yield* output(["put", store, "key", "x".repeat(100), "--value-threshold", "64", "--level0-tables=2"])
      yield* output(["put", store, "other", "v", "--preset", "small", "--memtable-bytes", "8 MiB"])
      expect(yield* output(["get", store, "other", "--background-thread", "off"])).toBe("v\n")
      const metrics = yield* output(["stats", store, "--prometheus", "--name", "mine"])
      expect(metrics).toContain('store="mine"')
      yield* output(["repair", store, "--into", `${store}2`, "--compression", "none,deflate"])
      expect(yield* output(["count", `${store}2`, "--change-retention-age=1 hours"])).toBe("2\n")
    })
  )

  it.scoped("are refused by name if they are bad, before a store is made", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const wrong: ReadonlyArray<readonly [option: string, value: string, reason: string]> = [
        ["--memtable-bytes", "3 GiB", "must be a whole number from 1 to 1073741824, not 3221225472"],
        ["--memtable-bytes", "much", 'must be a size such as 4096 or 64 MiB, not "much"'],
        ["--background-thread", "maybe", 'must be true or false, not "maybe"'],
        ["--preset", "tiny", 'must be one of "small", "writeHeavy", "readHeavy", "largeValues", not "tiny"'],
        ["--snapshot-warning", "soon", "must be a positive duration"],
        ["--file-mode", "0666777", "must include the bits of 0o600 and no bits outside 0o666"],
        ["--file-mode", "rw", 'must be an octal number such as 0600, not "rw"']
      ]
      for (const [option, value, reason] of wrong) {
        expect(yield* complaint(["put", `${directory}/new`, "k", "v", option, value])).toBe(
          `lsmkv: ${option} ${reason}\n`
        )
      }
      expect(yield* complaint(["get", `${directory}/new`, "k"])).toContain("no store")
    })
  )

  it.effect("are named if one is nearly written", () =>
    Effect.map(complaint(["scan", "./nowhere", "--memtable-byte", "5"]), (text) =>
      expect(text).toContain("--memtable-bytes")
    )
  )

  it.effect("are told by the command options, and not by the help of each command", () =>
    Effect.gen(function* () {
      const text = yield* output(["options"])
      const lines = (yield* output(["options", "--json"])).trim().split("\n")
      const told = lines.map((line) => (JSON.parse(line) as { readonly option: string }).option)
      const own = ["directory", "createIfMissing", "readOnly", "recovery", "durability"]
      const known = settings(optionNames).filter(({ option }) => !own.includes(option))
      expect(told).toStrictEqual(known.map(({ path }) => `--${kebabCase(path)}`))
      for (const option of told) expect(text).toContain(`\n${option} `.trimStart())
      const help = yield* output(["put", "--help"])
      expect(help).not.toContain("--memtable-bytes")
      expect(help).toContain("lsmkv options shows the options that tune the store.")
    })
  )
})
