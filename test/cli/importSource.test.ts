import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { pathToFileURL } from "node:url"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore } from "effect-lsm"
import { PackageDirectory } from "../../src/cli/io/packages.js"
import { makeProgress } from "../../src/cli/io/progress.js"
import { copySource } from "../../src/cli/io/sourceCopy.js"
import { StandardStreams } from "../../src/cli/io/standardStreams.js"
import { run } from "../../src/cli/program.js"
import type { Source } from "../../src/cli/sources/source.js"
import { describeWith } from "../support/describeWith.js"
import { type FakeEntry, fakeLevel, fakeLmdb, installFakes } from "../support/fakeStores.js"
import { complaintOf, type Finished, lsmkv, output, program, spawnCommand } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const entries = (count: number): ReadonlyArray<FakeEntry> =>
  Array.from({ length: count }, (_, i) => [`key ${String(i).padStart(5, "0")}`, `value ${i}`] as const)

/** A directory with the fake packages, and the command line as it runs there. */
const workplace = Effect.map(temporaryDirectory, (directory) => {
  installFakes(directory)
  const here = (words: ReadonlyArray<string>): Effect.Effect<Finished> =>
    Effect.promise(async () => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
      const provided = run(words).pipe(
        Effect.provideService(PackageDirectory, directory),
        Effect.provideService(StandardStreams, { stdin, stdout, stderr })
      )
      const code = await Effect.runPromise(provided)
      const bytes: Buffer = stdout.read() ?? Buffer.alloc(0)
      return { code, bytes, stdout: bytes.toString("utf8"), stderr: String(stderr.read() ?? "") }
    })
  return { directory, here, store: join(directory, "store") }
})

const tsv = (held: ReadonlyArray<FakeEntry>): string => held.map((entry) => `${entry.join("\t")}\n`).join("")

describeWith(NodeFileSystem.layer)("lsmkv import --from", (it) => {
  it.scoped("copies every kind of store, and says that all of it is there", () =>
    Effect.gen(function* () {
      const { directory, here } = yield* workplace
      const held: ReadonlyArray<FakeEntry> = [["", "of the empty key"], ...entries(2500)]
      const kinds = [
        ["level", fakeLevel(directory, "level", held), held],
        ["rocksdb", fakeLevel(directory, "rocksdb", held), held],
        ["lmdb", fakeLmdb(directory, held.slice(1)), held.slice(1)]
      ] as const
      for (const [kind, source, expected] of kinds) {
        const store = join(directory, `from ${kind}`)
        const imported = yield* here(["import", store, source, "--from", kind, "--verify", "--batch-size", "700"])
        const count = expected.length === 2501 ? "2,501" : "2,500"
        expect(imported).toMatchObject({ code: 0, stderr: "" })
        expect(imported.stdout).toMatch(
          new RegExp(
            `^${count} entries \\(.* KiB\\) imported\nthe source and the store have ${count} entries\n${count} compared, all equal\n$`
          )
        )
        expect(yield* output(["export", store])).toBe(tsv(expected))
      }
    })
  )

  it.scoped("refuses a store that has entries, and adds to it if that is wanted", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const source = fakeLevel(directory, "level", entries(3))
      yield* output(["put", store, "key 00001", "old"])
      yield* output(["put", store, "other", "kept"])
      const words = ["import", store, source, "--from", "level"]
      expect(complaintOf(yield* here(words))).toBe(
        "lsmkv: the store has entries; give --resume to continue an import, or --into-existing to add to them\n"
      )
      expect(yield* output(["count", store])).toBe("2\n")
      expect((yield* here([...words, "--into-existing"])).stdout).toBe(
        "3 entries (48 B) imported\n3 compared, all equal\n"
      )
      expect(yield* output(["export", store])).toBe(tsv([...entries(3), ["other", "kept"]]))
    })
  )

  it.scoped("resumes behind the largest key, if the store is the beginning of the source", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const held = entries(50)
      const broken = held.map(([key, value], i) => [key, i === 30 ? "broken" : value] as const)
      const words = ["import", store, join(directory, "level"), "--from", "level", "--batch-size", "8"]
      fakeLevel(directory, "level", broken)
      expect(complaintOf(yield* here(words))).toBe(
        "lsmkv: the source: Corruption: block checksum mismatch; imported: 30 entries up to the key key 00029, none behind it\n"
      )
      expect(yield* output(["count", store])).toBe("30\n")

      fakeLevel(directory, "level", held)
      const resumed = yield* here([...words, "--resume", "--verify"])
      expect(resumed).toMatchObject({ code: 0, stderr: "lsmkv: resuming behind 30 entries\n" })
      expect(resumed.stdout).toContain("20 entries (")
      expect(resumed.stdout).toContain("the source and the store have 50 entries\n50 compared, all equal\n")
      expect(yield* output(["export", store])).toBe(tsv(held))

      yield* output(["delete", store, "key 00010"])
      expect(complaintOf(yield* here([...words, "--resume"]))).toContain(
        "the store has 49 entries up to the key key 00049, and the source 50: the store is not the beginning"
      )
      yield* output(["put", store, "zebra", ""])
      expect(complaintOf(yield* here([...words, "--resume"]))).toContain(
        "the store has the key zebra, and the source has not"
      )
    })
  )

  it.scoped("finds entries that differ", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const words = ["import", store, fakeLevel(directory, "level", entries(9)), "--from", "level"]
      expect(yield* here(words)).toMatchObject({ code: 0 })
      yield* output(["put", store, "key 00004", "changed"])
      expect((yield* here([...words, "--resume", "--verify"])).stderr).toContain(
        "the entries differ at the key key 00004: the store has another value; 4 before it are equal"
      )
      // A source that counts otherwise than it reads has not given all of it.
      const lmdb = fakeLmdb(directory, entries(2))
      writeFileSync(
        join(directory, "node_modules/lmdb/index.cjs"),
        `exports.open = () => ({ getStats: () => ({ entryCount: 3 }), useReadTransaction: () => ({ done() {} }),
           getRange: () => [{ key: Buffer.from("a"), value: Buffer.from("b") }], close: async () => {} })`
      )
      const differs = yield* here(["import", `${store}2`, lmdb, "--from", "lmdb"])
      expect(differs.code).toBe(2)
      expect(differs.stderr).toBe("lsmkv: the counts differ: 1 entry read, 1 in the store, 3 counted by the source\n")
    })
  )

  it.scoped("refuses keys that a store cannot hold, and tells how far it came", () =>
    Effect.gen(function* () {
      const { directory, here } = yield* workplace
      const cases = [
        [`key ${"x".repeat(70_000)}`, /the key key x+… has 70,004 bytes, and a store takes 65,536 bytes/],
        ["key 00001", /the key key 00001 comes twice/],
        ["a", /the key a comes after key 00001: the source does not order its keys by bytes/]
      ] as const
      for (const [at, [key, message]] of cases.entries()) {
        const source = fakeLevel(directory, "level", [...entries(2), [key, ""]])
        const refused = yield* here(["import", join(directory, `${at}`), source, "--from", "level"])
        expect(complaintOf(refused)).toMatch(message)
        expect(refused.stderr).toContain("; imported: 2 entries up to the key key 00001, none behind it\n")
        expect(yield* output(["count", join(directory, `${at}`)])).toBe("2\n")
      }
    })
  )

  it.scoped("knows the databases of LMDB and the column families of RocksDB", () =>
    Effect.gen(function* () {
      const { directory, here } = yield* workplace
      const users = entries(4)
      const rocksdb = fakeLevel(directory, "rocksdb", entries(2), { users })
      const lmdb = fakeLmdb(directory, entries(2), { databases: { users } })
      const store = (name: string) => join(directory, name)
      expect((yield* here(["import", store("a"), rocksdb, "--from", "rocksdb"])).stdout).toContain(
        "not imported: the column family users\n"
      )
      yield* here(["import", store("b"), rocksdb, "--from", "rocksdb", "--column-family", "users"])
      expect(yield* output(["export", store("b")])).toBe(tsv(users))
      expect((yield* here(["import", store("c"), lmdb, "--from", "lmdb"])).stdout).toContain(
        "not imported: the database users\nthe source and the store have 2 entries\n"
      )
      yield* here(["import", store("d"), lmdb, "--from", "lmdb", "--database", "users"])
      expect(yield* output(["export", store("d")])).toBe(tsv(users))

      const complain = (...words: ReadonlyArray<string>) =>
        Effect.map(here(["import", store("never"), ...words]), complaintOf)
      expect(yield* complain(rocksdb, "--from", "rocksdb", "--column-family", "no")).toContain(
        "there is no column family no; there are: default, users"
      )
      expect(yield* complain(lmdb, "--from", "lmdb", "--database", "no")).toContain("there is no database no")
      expect(yield* complain(fakeLmdb(directory, [], { flags: 4 }), "--from", "lmdb")).toContain("dupSort")
      expect(yield* complain(fakeLmdb(directory, [], { flags: 8 }), "--from", "lmdb")).toContain("integers")
      expect(yield* complain(fakeLmdb(directory, [], { databases: { users } }), "--from", "lmdb")).toContain(
        "no entries; not read were the database users"
      )
    })
  )

  it.scoped("refuses what it cannot read, before it makes a store", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const level = fakeLevel(directory, "level", [])
      const rocksdb = fakeLevel(directory, "rocksdb", [])
      const cases = [
        [[rocksdb, "--from", "level"], "it is a RocksDB: use --from rocksdb"],
        [[level, "--from", "rocksdb"], "it is a LevelDB: use --from level"],
        [[level, "--from", "lmdb"], "there is no LMDB in it"],
        [[level, "--from", "sqlite"], "it is no file"],
        [[`${level}/CURRENT`, "--from", "level"], "there is no LevelDB in it"],
        [[`${level}2`, "--from", "level"], "no such file or directory (the store comes first, then the one to import)"],
        [["--from", "level"], "--from level needs <file>"],
        [[level, "--from", "level", "--json"], "--json and --from cannot be used together"],
        [[level, "--from", "level", "--table", "t"], "--table does not go with --from level"],
        [[level, "--from", "level", "--compressed"], "--compressed does not go with --from level"],
        [[level, "--verify"], "--verify needs --from"],
        [[level, "--from", "level", "--resume", "--into-existing"], "cannot be used together"]
      ] as const
      for (const [words, message] of cases) {
        expect(complaintOf(yield* here(["import", store, ...words])), words.join(" ")).toContain(message)
      }
      expect((yield* lsmkv(["count", store])).stderr).toContain("there is no store")
    })
  )

  it.scoped("names the package that is missing, or that does not load", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const level = fakeLevel(directory, "level", [])
      writeFileSync(
        join(directory, "node_modules/classic-level/index.cjs"),
        `throw new Error("built for another Node")`
      )
      expect(complaintOf(yield* here(["import", store, level, "--from", "level"]))).toBe(
        `lsmkv: ${level}: the package classic-level is installed and does not load: built for another Node\n`
      )
      const lmdb = fakeLmdb(directory, [])
      // Without the fakes: the project does not depend on lmdb.
      expect(complaintOf(yield* lsmkv(["import", store, lmdb, "--from", "lmdb"]))).toBe(
        `lsmkv: ${lmdb}: it needs a package that is not installed; install it with: npm install lmdb@3\n`
      )
    })
  )

  it.scoped("reads no more than a batch ahead of the store", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      let given = 0
      let ahead = 0
      async function* read() {
        while (given < 5000) {
          ahead = Math.max(ahead, given - (await Effect.runPromise(store.count())))
          yield Array.from({ length: 100 }, () => ({ key: Buffer.from(String(given++).padStart(9, "0")), value: key }))
        }
      }
      const key = Buffer.from("value")
      const source: Source = {
        read,
        entries: undefined,
        upTo: () => Promise.reject(new Error("not used")),
        beside: () => [],
        close: async () => {}
      }
      const copied = yield* copySource(store, source, undefined, 250, yield* makeProgress(undefined))
      expect(copied.entries).toBe(5000)
      expect(ahead).toBeGreaterThan(0)
      expect(ahead).toBeLessThanOrEqual(400)
    })
  )
})

/** Node has SQLite since 22.13. */
const { getBuiltinModule } = process as { readonly getBuiltinModule?: (name: string) => unknown }
const sqlite = getBuiltinModule?.("node:sqlite") as
  | { readonly DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void } }
  | undefined

describeWith(NodeFileSystem.layer)("lsmkv import --from sqlite", (it) => {
  const make = (path: string, sql: string): string => {
    const database = new sqlite!.DatabaseSync(path)
    database.exec(sql)
    database.close()
    return path
  }

  it.scoped.skipIf(sqlite === undefined)("takes text, blobs and numbers as bytes that sort", () =>
    Effect.gen(function* () {
      const { directory, here, store } = yield* workplace
      const text = make(
        `${directory}/text.db`,
        `CREATE TABLE kv (key TEXT PRIMARY KEY, value); INSERT INTO kv VALUES
           ('z', 'text'), ('', x''), ('é', x'00ff'), ('n', 9007199254740993), ('r', 0.1), ('key', '')`
      )
      expect((yield* here(["import", store, text, "--from", "sqlite", "--verify"])).stdout).toMatch(
        /^6 entries \(.*\) imported\nthe source and the store have 6 entries\n6 compared, all equal\n$/
      )
      expect(yield* output(["export", store])).toBe("\t\nkey\t\nn\t9007199254740993\nr\t0.1\nz\ttext\né\t\\x00\\xff\n")
      const numbers = make(
        `${directory}/numbers.db`,
        `CREATE TABLE other (a); CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT, value BLOB);
         INSERT INTO n VALUES (9, 'nine', x'09'), (10, 'ten', x'0a'), (300, 'more', x'01')`
      )
      const words = ["import", `${store}2`, numbers, "--from", "sqlite"]
      expect(complaintOf(yield* here(words))).toContain("name the table with --table; there are: n, other")
      expect(complaintOf(yield* here([...words, "--table", "n"]))).toContain(
        "name the value column with --value-column; there are: id, name, value"
      )
      expect(complaintOf(yield* here([...words, "--table", "n", "--value-column", "x"]))).toContain(
        "there is no column x"
      )
      yield* here([...words, "--table", "n", "--value-column", "name"])
      expect(yield* output(["export", `${store}2`, "--encoding", "hex"])).toBe(
        "0000000000000009\t6e696e65\n000000000000000a\t74656e\n000000000000012c\t6d6f7265\n"
      )
      yield* output(["delete", `${store}2`, "--encoding", "hex", "000000000000012c"])
      expect(yield* here([...words, "--table", "n", "--value-column", "name", "--resume"])).toMatchObject({
        code: 0,
        stdout: "1 entry (12 B) imported\nthe source and the store have 3 entries\n"
      })
    })
  )

  it.scoped.skipIf(sqlite === undefined)("names the row that it cannot take", () =>
    Effect.gen(function* () {
      const { directory, here } = yield* workplace
      const cases = [
        ["('a', 'b'), ('c', NULL)", "the row with the key c has NULL as its value; imported: 1 entry up to the key a"],
        ["(NULL, 'b')", "a row has NULL as its key; nothing was imported"],
        ["(-1, 'b')", "the key -1 is negative"],
        ["(1.5, 'b')", "the key 1.5 is a real number"],
        ["('a', 'b'), (x'61', 'c')", "the key a comes twice"]
      ] as const
      for (const [at, [rows, message]] of cases.entries()) {
        const file = make(
          `${directory}/${at}.db`,
          `CREATE TABLE kv (key PRIMARY KEY, value); INSERT INTO kv VALUES ${rows}`
        )
        const refused = yield* here(["import", `${directory}/store ${at}`, file, "--from", "sqlite"])
        expect(complaintOf(refused)).toContain(message)
      }
      const wide = make(
        `${directory}/wide.db`,
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE kv (key PRIMARY KEY, value)"
      )
      expect(complaintOf(yield* here(["import", `${directory}/w`, wide, "--from", "sqlite"]))).toContain("UTF-16le")
    })
  )
})

describeWith(NodeFileSystem.layer)("the process of lsmkv import --from", (it) => {
  it.scoped("closes the store and says how far it came when a signal interrupts it", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* workplace
      const source = fakeLevel(directory, "level", [])
      writeFileSync(
        join(directory, "node_modules/classic-level/index.cjs"),
        `exports.ClassicLevel = class {
           async open() {}
           async close() { process.stderr.write("source closed\\n") }
           iterator() {
             let at = 0
             return { close: async () => {}, nextv: async () => {
               if (at === 1000) process.stdout.write("half\\n")
               await new Promise((resume) => setTimeout(resume, at === 1000 ? 50 : 0))
               return Array.from({ length: 100 }, () => [Buffer.from(String(at++).padStart(9, "0")), Buffer.from("v")])
             } }
           }
         }`
      )
      const script = `process.chdir(${JSON.stringify(directory)}); process.argv.splice(1, 1); await import(${JSON.stringify(pathToFileURL(program()).href)})`
      const words = ["import", store, source, "--from", "level", "--batch-size", "100"]
      const stopped = yield* spawnCommand(
        process.execPath,
        ["--input-type=module", "-e", script, "x", "lsmkv", ...words],
        { signal: "SIGINT" }
      )
      expect(stopped.stderr).toMatch(
        /lsmkv: interrupted; imported: [\d,]+ entries up to the key 0{3,}\d+, none behind it\n/
      )
      expect(stopped.stderr).toContain("source closed\n")
      expect(stopped.code).toBe(130)
      const [, told] = /imported: ([\d,]+) entries/.exec(stopped.stderr)!
      expect(yield* output(["count", store])).toBe(`${told!.replaceAll(",", "")}\n`)
    })
  )
})
