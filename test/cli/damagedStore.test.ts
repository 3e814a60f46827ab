import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore, WriteBatch } from "effect-lsm"
import { lsmkv, output } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** Runs a command line in this process, and returns its exit code and output. */
const run = (...words: ReadonlyArray<string>) =>
  Effect.map(lsmkv(words), ({ code, stdout, stderr }) => ({ code, stdout, stderr }))

/** Makes a store with a table of many blocks, and one record in the log. */
const fill = (directory: string) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.make({ directory })
    const batch = WriteBatch.make()
    for (let i = 0; i < 500; i++) batch.put(`key${String(i).padStart(3, "0")}`, "x".repeat(50))
    yield* store.write(batch)
    yield* store.flush
    yield* store.put("last", "1")
  }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

const flip = (path: string, offset: number) => {
  const bytes = readFileSync(path)
  bytes[offset]! ^= 1
  writeFileSync(path, bytes)
}

const fileOf = (directory: string, end: string): string =>
  join(
    directory,
    readdirSync(directory).find((name) => name.endsWith(end) && statSync(join(directory, name)).size > 70)!
  )

/** The files of a directory and their contents. */
const picture = (directory: string) =>
  readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString("base64")])

describe("lsmkv on a damaged store", () => {
  it.scoped("verifies, repairs and reads, each with its exit code", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryDirectory
      const directory = join(parent, "store")
      expect(yield* run("verify", directory)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining("no store")
      })
      yield* fill(directory)
      const sound = yield* run("verify", directory)
      expect(sound).toMatchObject({ code: 0, stderr: "" })
      expect(sound.stdout).toMatch(/^ok: 500 entries in 1 table, 1 record in \d log segments?\n$/)
      const table = fileOf(directory, ".sst")
      flip(table, Math.floor(statSync(table).size / 3))
      const before = picture(directory)

      const found = yield* run("verify", directory)
      expect(found).toMatchObject({ code: 3, stderr: "" })
      expect(found.stdout).toMatch(
        new RegExp(
          `^error: ${table} at byte \\d+, data block of .* bytes: checksum mismatch; keys from key\\d+ to key\\d+\n`
        )
      )
      const lines = (yield* run("verify", directory, "--json")).stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      expect(lines[0]).toMatchObject({
        severity: "error",
        file: table,
        region: "data block",
        keys: { from: expect.stringMatching(/^key/) }
      })
      expect(lines.at(-1)).toMatchObject({ ok: false, errors: 1, tables: 1 })

      const into = join(parent, "new")
      const repaired = yield* run("repair", directory, "--into", into)
      expect(repaired).toMatchObject({ code: 3, stderr: "" })
      expect(repaired.stdout).toMatch(
        /^lost: .*data block.*\nrepaired: \d+ entries from 1 table and 1 record of \d log segments?\n$/
      )
      expect(yield* run("verify", into)).toMatchObject({ code: 0 })
      expect(yield* run("get", into, "last")).toMatchObject({ code: 0, stdout: "1\n" })
      expect(yield* run("repair", directory, "--into", into)).toMatchObject({ code: 2, stdout: "" })
      expect(yield* run("repair", into, "--into", join(parent, "again"), "--json")).toMatchObject({ code: 0 })
      expect(picture(directory)).toStrictEqual(before)

      const salvaged = yield* run("put", directory, "more", "2", "--recovery", "salvage")
      expect(salvaged).toMatchObject({ code: 0, stdout: "" })
      expect(salvaged.stderr).toMatch(
        /^lsmkv: lost: .*data block.*\nlsmkv: the original files are kept in .*aside-\d+\n$/
      )
      expect(yield* run("verify", directory)).toMatchObject({ code: 0 })
    })
  )

  it.scoped("reads without changing a byte, and ignores a damaged end of the log with point-in-time", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporaryDirectory, "store")
      yield* fill(directory)
      flip(fileOf(directory, ".log"), 70)
      const before = picture(directory)
      for (const command of [
        ["get", directory, "last"],
        ["count", directory],
        ["stats", directory]
      ]) {
        expect(yield* run(...command)).toMatchObject({
          code: 2,
          stdout: "",
          stderr: expect.stringContaining("corruption in")
        })
      }
      const counted = yield* run("count", directory, "--recovery", "point-in-time")
      expect(counted).toMatchObject({
        code: 0,
        stdout: "500\n",
        stderr: expect.stringMatching(/^lsmkv: lost: .*log frame/)
      })
      expect(yield* run("count", directory, "--recovery", "salvage")).toMatchObject({ code: 2 })
      expect(picture(directory)).toStrictEqual(before)
    })
  )

  it.effect("explains verify, repair and recovery in its help", () =>
    Effect.gen(function* () {
      const repair = yield* output(["repair", "--help"])
      expect(repair).toContain("usage: lsmkv repair <directory>")
      expect(repair).toContain("--into")
      expect(yield* output(["verify", "--help"])).toContain("code 3 if")
      expect(yield* output(["put", "--help"])).toContain("salvage")
      expect(yield* output(["get", "--help"])).not.toContain("salvage")
      expect(yield* output(["--help"])).toContain("3 damage found")
    })
  )
})
