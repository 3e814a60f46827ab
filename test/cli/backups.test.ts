import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describeWith } from "../support/describeWith.js"
import { complaint, lsmkv, output } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const fill = (store: string, entries: number) =>
  output(["import", store], Array.from({ length: entries }, (_, i) => `key${i}\tvalue ${i}\n`).join(""))

describeWith(NodeFileSystem.layer)("lsmkv and copies", (it) => {
  it.scoped("makes a checkpoint, which is a store", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const [store, copy] = [join(home, "store"), join(home, "copy")]
      yield* fill(store, 100)
      expect(yield* output(["checkpoint", store, copy])).toMatch(
        /^checkpoint at sequence number 100: \d+ files? shared, \d+ files? copied \(.*\)\n$/
      )
      yield* output(["delete", store, "key1"])
      expect(yield* output(["count", copy])).toBe("100\n")
      expect(yield* output(["verify", copy])).toMatch(/ok/)
      expect(yield* complaint(["checkpoint", store, copy])).toBe(`lsmkv: into: ${copy} is not empty\n`)
      const json = JSON.parse(yield* output(["checkpoint", store, `${copy}2`, "--json"]))
      expect(json).toMatchObject({ directory: `${copy}2`, sequence: 101 })
    })
  )

  it.scoped("backs up, lists, checks and restores", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      const [store, backup] = [join(home, "store"), join(home, "backup")]
      yield* fill(store, 10_000)
      yield* output(["compact", store])
      expect(yield* output(["backup", store, backup])).toMatch(
        /^generation 1 at sequence number 10,?000: \d+ files? \(.*\), \d+ files? copied \(.*\)\n$/
      )
      yield* output(["put", store, "key1", "changed"])
      const second = JSON.parse(yield* output(["backup", store, backup, "--json"]))
      expect(second).toMatchObject({ generation: 2, sequence: 10_001, removed: [] })
      expect(second.copiedBytes).toBeLessThan(second.bytes / 4)
      const list = yield* output(["backups", backup])
      expect(list.split("\n").map((line) => line.slice(0, 12))).toEqual(["generation 1", "generation 2", ""])
      expect(yield* output(["backups", backup, "--verify"])).toMatch(/^ok: \d+ files of 2 generations \(.*\)\n$/)

      expect(yield* output(["restore", backup, join(home, "new")])).toMatch(
        /^restored generation 2 at sequence number 10,?001: /
      )
      yield* output(["restore", backup, join(home, "old"), "--generation", "1"])
      expect(yield* output(["get", join(home, "new"), "key1"])).toBe("changed\n")
      expect(yield* output(["get", join(home, "old"), "key1"])).toBe("value 1\n")
      expect(yield* complaint(["restore", store, join(home, "x")])).toBe(`lsmkv: there is no backup in ${store}\n`)
      expect(yield* complaint(["backups", home])).toBe(`lsmkv: there is no backup in ${home}\n`)

      yield* output(["put", store, "key2", "changed"])
      expect(yield* output(["backup", store, backup, "--keep", "1"])).toContain("2 generations removed\n")
      const table = join(backup, readdirSync(backup).find((name) => name.endsWith(".sst"))!)
      const bytes = readFileSync(table)
      bytes[bytes.length >>> 1]! ^= 1
      writeFileSync(table, bytes)
      const damaged = yield* lsmkv(["backups", backup, "--verify"])
      expect(damaged.code).toBe(3)
      expect(damaged.stdout).toContain(`error: ${table} at byte 0, file: checksum mismatch, of generation 3\n1 error: `)
      expect(yield* complaint(["restore", backup, join(home, "y")])).toContain(`corruption in ${table}`)
      expect(readdirSync(home)).not.toContain("y")
    })
  )
})
