import { cpSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describeWith } from "../support/describeWith.js"
import { usageMessages } from "../support/libraryMessages.js"
import { complaint, complaintOf, lsmkv, output } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** Commands whose first argument is a store. */
const ofStores = [
  ...[
    "put",
    "get",
    "delete",
    "delete-range",
    "scan",
    "count",
    "import",
    "export",
    "stats",
    "compact",
    "verify",
    "repair"
  ],
  ...["checkpoint", "backup"]
]
const ofBackups = ["backups", "restore"]
const commands = [...ofStores, ...ofBackups]

describeWith(NodeFileSystem.layer)("lsmkv", (it) => {
  it.scoped("puts, gets and deletes", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      expect(yield* output(["put", store, "user:1", "Ada"])).toBe("")
      expect(yield* output(["get", store, "user:1"])).toBe("Ada\n")
      expect(yield* output(["get", store, "user:1", "--json"])).toBe(`{"key":"user:1","value":"Ada"}\n`)
      expect(yield* output(["delete", store, "user:1", "--durability", "buffered"])).toBe("")
      for (const wrong of [[], ["--prefix", ""], ["--all", "--prefix", "user:"]]) {
        const refused = yield* lsmkv(["delete-range", store, ...wrong])
        expect(refused.code).toBe(2)
        expect(refused.stderr).toContain("give either --all, or at least one of --start, --end and --prefix")
      }
      yield* output(["put", store, "a:1", "1"])
      yield* output(["put", store, "a:2", "2"])
      expect(yield* output(["delete-range", store, "--prefix", "a:", "--durability", "buffered"])).toBe("")
      expect(yield* lsmkv(["get", store, "user:1"])).toMatchObject({ code: 1, stdout: "", stderr: "" })
    })
  )

  it.scoped("keeps keys and values of every kind", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      const entries: ReadonlyArray<readonly [string, string]> = [
        ["tab\tline\nback\\slash", "\r\n\ttab \\t"],
        ["grüße 😀", "值"],
        ["--help", "--json"],
        ["empty ", ""]
      ]
      // One after another: only one process can open a store.
      for (const [key, value] of entries) yield* output(["put", store, "--", key, value])
      for (const [key, value] of entries.slice(0, 2)) {
        expect(yield* output(["get", store, "--", key])).toBe(`${value}\n`)
      }
      expect((yield* output(["scan", store])).split("\n")).toStrictEqual([
        "--help\t--json",
        "empty \t",
        "grüße 😀\t值",
        "tab\\tline\\nback\\\\slash\t\\r\\n\\ttab \\\\t",
        ""
      ])
      expect(yield* output(["scan", store, "--json", "--prefix=tab\tline\n"])).toBe(
        `${JSON.stringify({ key: entries[0]?.[0], value: entries[0]?.[1] })}\n`
      )
    })
  )

  it.scoped("keeps bytes that are not text", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      const hex = Buffer.from(everyByte).toString("hex")
      yield* output(["put", store, "00ff", hex, "--encoding", "hex"])
      yield* output(["put", store, "piped"], everyByte)
      yield* output(
        ["put", store, "cGlwZWQgaGV4", "--encoding", "base64"],
        `${Buffer.from(everyByte).toString("base64")}\n`
      )
      expect(yield* output(["get", store, "00ff", "--encoding", "hex"])).toBe(`${hex}\n`)
      const raw = yield* lsmkv(["get", store, "piped hex", "--raw"])
      expect(raw.bytes.equals(everyByte)).toBe(true)
      const piped = yield* lsmkv(["get", store, "piped"])
      expect(piped.bytes.equals(Buffer.from([...everyByte, 0x0a]))).toBe(true)

      const text = yield* output(["export", store])
      expect(text).toMatch(/^\\x00\\xff\t\\x00\\x01.*\\x08\\t\\n\\x0b.*~\\x7f\\x80.*\\xff\n/)
      expect(yield* output(["import", `${store}2`], text)).toBe("3 puts and 0 deletes in 1 batch\n")
      expect(yield* output(["export", `${store}2`, "--json", "--encoding", "hex"])).toBe(
        ["00ff", "7069706564", "706970656420686578"].map((key) => `{"key":"${key}","value":"${hex}"}\n`).join("")
      )

      const json = yield* complaint(["scan", store, "--json"])
      expect(json).toContain("the entry with key \\x00\\xff is not UTF-8; use --encoding hex or --encoding base64")
      expect(yield* complaint(["get", store, "0", "--encoding", "hex"])).toBe("lsmkv: the key is not hexadecimal\n")
    })
  )

  it.scoped("scans and counts ranges", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      yield* output(["import", store], "a\t1\nb:1\t2\nb:2\t3\nc\t4\nd\t5\n")
      const keys = (...options: ReadonlyArray<string>) =>
        Effect.map(output(["scan", store, "--keys-only", ...options]), (text) => text.split("\n").slice(0, -1))
      expect(yield* keys("--start", "b:2", "--end=d")).toStrictEqual(["b:2", "c"])
      expect(yield* keys("--prefix", "b:", "--reverse")).toStrictEqual(["b:2", "b:1"])
      expect(yield* keys("--reverse", "--limit=2", "--json")).toStrictEqual([`{"key":"d"}`, `{"key":"c"}`])
      expect(yield* keys("--encoding", "hex", "--start", "63")).toStrictEqual(["63", "64"])
      expect(yield* output(["count", store, "--prefix", "b:", "--json"])).toBe(`{"count":2}\n`)
      expect(yield* output(["count", store, "--prefix="])).toBe("5\n")
      expect(yield* complaint(["scan", store, "--limit", "-1"])).toContain("limit")
    })
  )

  it.scoped("imports what it exported", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const files = yield* FileSystem.FileSystem
      const entries = Array.from({ length: 5000 }, (_, i) => ({
        key: `key ${String(i).padStart(5, "0")}`,
        value: i % 7 === 0 ? `line\n${i}\ttab\\` : "v".repeat(i % 200)
      }))
      const lines = `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`
      yield* files.writeFileString(`${directory}/in.jsonl`, lines)
      expect(
        yield* output(["import", `${directory}/a`, `${directory}/in.jsonl`, "--json", "--batch-size", "128"])
      ).toBe("5,000 puts and 0 deletes in 40 batches\n")
      expect(yield* output(["export", `${directory}/a`, "--json"])).toBe(lines)

      expect(yield* output(["export", `${directory}/a`, "--output", `${directory}/out.tsv`])).toBe("")
      expect(yield* output(["import", `${directory}/b`, `${directory}/out.tsv`, "--durability", "buffered"])).toBe(
        "5,000 puts and 0 deletes in 5 batches\n"
      )
      expect(yield* output(["export", `${directory}/b`, "--json"])).toBe(lines)

      const deletes = `${entries.slice(0, 2500).map(({ key }) => JSON.stringify({ key, delete: true }))}`
      expect(yield* output(["import", `${directory}/b`, "-", "--json"], deletes.replaceAll("},{", "}\n\n{"))).toBe(
        "0 puts and 2,500 deletes in 3 batches\n"
      )
      expect(yield* output(["count", `${directory}/b`])).toBe("2500\n")
    })
  )

  it.scoped("keeps the batches before a malformed line", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lines = Array.from({ length: 30 }, (_, i) => `{"key":"${i}","value":"${i}"}`)
      lines[17] = `{"key":"17"}`
      const failure = yield* complaint(["import", `${directory}/a`, "--json", "--batch-size", "5"], lines.join("\n"))
      expect(failure).toBe(
        `lsmkv: line 18: needs either "value" or "delete": true; lines 1 to 15 were imported, later lines were not\n`
      )
      expect(yield* output(["count", `${directory}/a`])).toBe("15\n")

      expect(yield* complaint(["import", `${directory}/never`, `${directory}/nothing.tsv`])).toContain(
        "nothing.tsv: no such file or directory"
      )
      expect(yield* (yield* FileSystem.FileSystem).exists(`${directory}/never`)).toBe(false)
    })
  )

  it.scoped("creates a store only with put and import", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const missing = `${directory}/missing`
      const reading = ofStores.filter((name) => name !== "put" && name !== "import")
      const wanted: Record<string, ReadonlyArray<string>> = {
        get: ["key"],
        delete: ["key"],
        "delete-range": ["--all"],
        repair: ["--into", `${directory}/new`],
        checkpoint: [`${directory}/new`],
        backup: [`${directory}/new`]
      }
      yield* Effect.forEach(reading, (name) =>
        Effect.map(complaint([name, missing, ...(wanted[name] ?? [])]), (text) =>
          expect(text).toBe(`lsmkv: there is no store in ${missing}\n`)
        )
      )
      expect(yield* (yield* FileSystem.FileSystem).readDirectory(directory)).toStrictEqual([])
    })
  )

  it.scoped("prints statistics, compacts and verifies", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lines = Array.from({ length: 3000 }, (_, i) => `${i % 1000}\t${i}\n`)
      yield* output(["import", directory], lines.join(""))

      const compacted = yield* output(["compact", directory])
      expect(compacted).toMatch(
        /^before:\nlevel +tables +size +entries +tombstones +score\n +0 .*\n\nafter:\nlevel .*\n/
      )
      const again = JSON.parse(yield* output(["compact", directory, "--json"]))
      const sum = (levels: ReadonlyArray<{ readonly entries: number }>) =>
        levels.reduce((entries, level) => entries + level.entries, 0)
      expect(sum(again.before)).toBe(1000)
      expect(sum(again.after)).toBe(1000)

      const figures = JSON.parse(yield* output(["stats", directory, "--json"]))
      expect(figures).toMatchObject({ directory, sequence: 3000, tables: 1 })
      const text = yield* output(["stats", directory])
      expect(text).toMatch(/^directory +\/.*\nsequence number +3,000\ntables +1, /)
      expect(text).toMatch(/\nlevel +tables +size +entries +tombstones +score\n/)
      expect(yield* output(["stats", directory, "--prometheus"])).toMatch(/^# (HELP|TYPE) /)
      expect(yield* complaint(["stats", directory, "--prometheus", "--json"])).toContain("cannot be used together")

      expect(yield* output(["verify", directory])).toMatch(
        /^ok: 1,000 entries in 1 table, 0 records in \d+ log segments?/
      )
      expect(JSON.parse((yield* output(["verify", directory, "--json"])).trim().split("\n").at(-1)!)).toMatchObject({
        ok: true,
        entries: 1000,
        tables: 1
      })
    })
  )

  it.scoped("shows and checks value files", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      cpSync(fileURLToPath(new URL("../fixtures/format-2", import.meta.url)), directory, { recursive: true })
      expect(yield* output(["stats", directory])).toMatch(/\nvalue files +2, 17.3 KiB, 17.2 KiB in use\n/)
      expect(JSON.parse(yield* output(["stats", directory, "--json"]))).toMatchObject({
        valueFiles: { count: 2, bytes: 17_664, liveBytes: 17_600 }
      })
      expect(yield* output(["verify", directory])).toMatch(/^ok: 287 entries in 3 tables/)
      rmSync(join(directory, "000006.val"))
      const missing = yield* lsmkv(["verify", directory])
      expect(missing.code).not.toBe(0)
      expect(missing.stdout + missing.stderr).toContain("000006.val")
    })
  )

  it.scoped("logs only if --log-level is given, and never to standard output", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      yield* output(["put", store, "key", "value"])
      const debug = yield* lsmkv(["get", store, "key", "--log-level", "debug"])
      expect(debug).toMatchObject({ code: 0, stdout: "value\n" })
      expect(debug.stderr).toMatch(/^(timestamp=\S+ level=\S+ .*\n)+$/)
      expect(debug.stderr).toMatch(/ level=DEBUG .*message=opened /)
    })
  )

  it.effect("has a help text for every command", () =>
    Effect.gen(function* () {
      const page = yield* output(["--help"])
      expect(page).toContain("usage: lsmkv <command> <directory>")
      for (const name of [...commands, "options"]) expect(page).toMatch(new RegExp(`^  ${name} +[A-Z]`, "m"))
      for (const line of page.split("\n")) expect(line.length).toBeLessThanOrEqual(100)
      for (const name of commands) {
        const text = yield* output([name, "--help"])
        const first = ofStores.includes(name) ? "<directory>" : "<backup>"
        expect(text).toContain(`\nusage: lsmkv ${name} ${first}`)
        expect(text).toContain(`\n  ${first}`)
        expect(text).toMatch(/\n {2}--[a-z]/)
      }
      // Help is shown even if an argument is missing or wrong.
      expect(yield* output(["put", "--limt", "-h"])).toBe(yield* output(["put", "--help"]))
      expect(yield* output([])).toBe(page)
      const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }
      expect(yield* output(["--version"])).toBe(`${version}\n`)
      expect(yield* output(["--completions", "bash"])).toMatch(/\ncomplete .* lsmkv\n/)
    })
  )

  it.effect("explains errors in a command line", () =>
    Effect.forEach(
      [
        [["frobnicate"], usageMessages.unknownCommand("frobnicate")],
        [["get", "./nowhere"], `${usageMessages.missingArgument("key")}; see lsmkv get --help`],
        [["scan", "./nowhere", "--limt", "5"], usageMessages.unknownOption("--limt", "--limit")],
        [["put", "./nowhere", "key", "--encodin=hex"], usageMessages.unknownOptionWithValue("--encodin")],
        [["scan", "./nowhere", "--limit", "five"], usageMessages.notAnInteger("limit", "five")],
        [["import", "./nowhere", "--batch-size", "0"], "--batch-size must be at least 1"]
      ] as const,
      ([words, reason]) => Effect.map(complaint(words), (text) => expect(text).toContain(reason))
    )
  )

  it.scoped("ends quietly if its reader has gone, and fails if its output does", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      yield* output(["put", store, "key", "value"])
      const failing = (code: string) =>
        new Writable({
          write: (_piece, _encoding, done) => done(Object.assign(new Error(`${code}: no luck`), { code }))
        })
      for (const words of [["get", store, "key"], ["scan", store], ["--help"]]) {
        expect(yield* lsmkv(words, "", { stdout: failing("EPIPE") })).toMatchObject({ code: 0, stderr: "" })
        expect(complaintOf(yield* lsmkv(words, "", { stdout: failing("ENOSPC") }))).toBe(
          "lsmkv: standard output: ENOSPC: no luck\n"
        )
      }
    })
  )

  it.scoped("does not wait for a value from a terminal", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      const stdin = Object.assign(new Readable({ read: () => {} }), { isTTY: true })
      expect(complaintOf(yield* lsmkv(["put", store, "key"], "", { stdin }))).toBe(
        "lsmkv: no value: pass one as an argument, or pipe it to standard input\n"
      )
    })
  )
})
