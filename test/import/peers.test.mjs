// Stores that the real packages make, imported by the built command line.
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { fileURLToPath } from "node:url"

const bench = fileURLToPath(new URL("../../bench/", import.meta.url))
const packages = createRequire(`${bench}package.json`)
const program = process.env.LSMKV ?? fileURLToPath(new URL("../../dist/cli/lsmkv.js", import.meta.url))
const node = process.env.LSMKV_NODE ?? process.execPath
const directory = mkdtempSync(join(tmpdir(), "effect-lsm-import-"))
after(() => rmSync(directory, { recursive: true, force: true }))

const lsmkv = (...words) => {
  const { status, stdout, stderr } = spawnSync(node, ["--no-warnings", program, ...words], {
    cwd: bench,
    encoding: "utf8",
    maxBuffer: 1 << 28
  })
  return { status, stdout, stderr }
}

const count = 20_000
const buffers = { keyEncoding: "buffer", valueEncoding: "buffer" }

/** Keys in order, with every byte at some place, and values of 0 to 299 bytes. */
const entries = Array.from({ length: count }, (_, i) => {
  const key = Buffer.concat([Buffer.from(`k${String(i).padStart(6, "0")}`), Buffer.from([i & 255])])
  return { key, value: Buffer.alloc(i % 300, i & 255) }
})
entries.push({ key: Buffer.from("l"), value: Buffer.alloc(3_000_000, 7) })

const lines = entries.map(({ key, value }) => `${key.toString("hex")}\t${value.toString("hex")}\n`).join("")

/** Imports with a comparison, twice in two ways, and compares the store with what was written. */
const check = (kind, source, ...options) => {
  const store = join(directory, `store of ${kind}`)
  const imported = lsmkv("import", store, source, "--from", kind, "--verify", ...options)
  assert.deepEqual({ status: imported.status, stderr: imported.stderr }, { status: 0, stderr: "" })
  assert.match(imported.stdout, /^20,001 entries \(5\.\d MiB\) imported\n/)
  assert.match(imported.stdout, /\nthe source and the store have 20,001 entries\n20,001 compared, all equal\n$/)
  assert.equal(lsmkv("export", store, "--encoding", "hex").stdout, lines)
  // As after a process that was killed in the middle.
  assert.equal(lsmkv("delete-range", store, "--start", "k012345").status, 0)
  const resumed = lsmkv("import", store, source, "--from", kind, "--resume", ...options)
  assert.deepEqual(
    { status: resumed.status, stderr: resumed.stderr },
    { status: 0, stderr: "lsmkv: resuming behind 12,345 entries\n" }
  )
  assert.match(resumed.stdout, /^7,656 entries /)
  assert.equal(lsmkv("export", store, "--encoding", "hex").stdout, lines)
}

test("LevelDB", async () => {
  const { ClassicLevel } = packages("classic-level")
  const source = join(directory, "level")
  const db = new ClassicLevel(source, buffers)
  await db.batch(entries.map((entry) => ({ type: "put", ...entry })))
  const used = lsmkv("import", join(directory, "never"), source, "--from", "level")
  assert.equal(used.status, 2)
  assert.match(used.stderr, /LOCK/i)
  await db.close()
  check("level", source)
})

test("RocksDB, and its column families", async () => {
  const { RocksLevel } = packages("@nxtedition/rocksdb")
  const source = join(directory, "rocksdb")
  const db = new RocksLevel(source, { ...buffers, createIfMissing: true, columns: { default: {}, users: {} } })
  await db.open()
  const { default: main, users } = db.columns
  await db.batch(entries.map((entry) => ({ type: "put", ...entry, column: users })))
  await db.batch([{ type: "put", key: Buffer.from("main"), value: Buffer.from("1"), column: main }])
  await db.close()
  check("rocksdb", source, "--column-family", "users")
  assert.match(
    lsmkv("import", join(directory, "main"), source, "--from", "rocksdb").stdout,
    /^1 entry \(5 B\) imported\nnot imported: the column family users\n/
  )
})

test("LMDB: named databases, in use, compressed, with versions", async () => {
  const { open } = packages("lmdb")
  const source = join(directory, "with.dot")
  const root = open({ path: source, noSubdir: false })
  const db = root.openDB("users", { encoding: "binary", keyEncoding: "binary", compression: true, useVersions: true })
  db.transactionSync(() => {
    for (const { key, value } of entries) db.putSync(key, value, { version: 5 })
  })
  await root.put("main", 1)
  // It stays open, and is written to, while it is read.
  let written = 0
  const child = spawn(
    node,
    [
      "--no-warnings",
      program,
      "import",
      join(directory, "in use"),
      source,
      "--from",
      "lmdb",
      "--database",
      "users",
      "--compressed",
      "--batch-size",
      "50"
    ],
    { cwd: bench, stdio: ["ignore", "pipe", "inherit"] }
  )
  let printed = ""
  child.stdout.on("data", (piece) => {
    printed += piece
  })
  const ended = new Promise((resume) => child.on("close", resume))
  let running = true
  ended.then(() => {
    running = false
  })
  while (running) {
    const key = Buffer.from(`m${String(written++).padStart(9, "0")}`)
    db.putSync(key, Buffer.from("late"), { version: 6 })
    await new Promise((resume) => setTimeout(resume, 1))
  }
  assert.equal(await ended, 0)
  const [, seen] = /the source and the store have ([\d,]+) entries/.exec(printed)
  assert.ok(Number(seen.replaceAll(",", "")) >= count + 1)
  for (let i = 0; i < written; i++) db.removeSync(Buffer.from(`m${String(i).padStart(9, "0")}`))
  await root.close()
  check("lmdb", source, "--database", "users", "--compressed")
  assert.match(
    lsmkv("import", join(directory, "root"), source, "--from", "lmdb").stdout,
    /^1 entry .*\nnot imported: the database users\n/
  )
})

test("SQLite, which is not changed", () => {
  const Database = packages("better-sqlite3")
  const source = join(directory, "store.db")
  const db = new Database(source)
  db.pragma("journal_mode = WAL")
  db.exec("CREATE TABLE store (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID; CREATE TABLE other (a)")
  const put = db.prepare("INSERT INTO store VALUES (?, ?)")
  db.transaction(() => {
    for (const { key, value } of entries) put.run(key, value)
  })()
  db.close()
  const { mtimeMs } = statSync(source)
  check("sqlite", source, "--table", "store")
  assert.equal(statSync(source).mtimeMs, mtimeMs)
  assert.ok(readdirSync(directory).includes("store.db"))
})
