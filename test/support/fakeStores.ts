import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** An entry of another store as text. */
export type FakeEntry = readonly [key: string, value: string]

/** Entries as the fake packages read them. */
const writeEntries = (directory: string, entries: ReadonlyArray<FakeEntry>, name = "default"): void => {
  const hex = entries.map((entry) => entry.map((text) => Buffer.from(text).toString("hex")))
  writeFileSync(join(directory, `${name}.json`), JSON.stringify(hex))
}

const place = (parent: string, name: string): string => {
  const directory = join(parent, name)
  mkdirSync(directory, { recursive: true })
  return directory
}

/** A directory that looks like a LevelDB to the command line, or like a RocksDB with column families. */
export const fakeLevel = (
  parent: string,
  kind: "level" | "rocksdb",
  entries: ReadonlyArray<FakeEntry>,
  families: Readonly<Record<string, ReadonlyArray<FakeEntry>>> = {}
): string => {
  const directory = place(parent, kind)
  writeFileSync(join(directory, "CURRENT"), "MANIFEST-000001\n")
  if (kind === "rocksdb") writeFileSync(join(directory, "IDENTITY"), "")
  writeEntries(directory, entries)
  for (const [name, held] of Object.entries(families)) writeEntries(directory, held, name)
  writeFileSync(join(directory, "families"), ["default", ...Object.keys(families)].join("\n"))
  return directory
}

/** A directory that looks like an LMDB: `data.mdb` has the flags of the main database. */
export const fakeLmdb = (
  parent: string,
  entries: ReadonlyArray<FakeEntry>,
  { flags = 0, databases = {} }: { flags?: number; databases?: Readonly<Record<string, ReadonlyArray<FakeEntry>>> } = {}
): string => {
  const directory = place(parent, "lmdb")
  const meta = Buffer.alloc(8192)
  for (const page of [0, 4096]) {
    meta.writeUInt32LE(0xbeefc0de, page + 24)
    meta.writeUInt32LE(4096, page + 48)
    meta.writeUInt16LE(flags, page + 100)
  }
  writeFileSync(join(directory, "data.mdb"), meta)
  const record = (held: ReadonlyArray<FakeEntry>): string => {
    const bytes = Buffer.alloc(48)
    bytes.writeUInt16LE(1, 6)
    bytes.writeBigUInt64LE(1n, 16)
    bytes.writeBigUInt64LE(BigInt(held.length), 32)
    bytes.writeBigUInt64LE(5n, 40)
    return bytes.toString("latin1")
  }
  const records = Object.entries(databases).map(([name, held]) => [`${name}\0`, record(held)] as const)
  writeEntries(
    directory,
    [...entries, ...records].sort(([a], [b]) => (a < b ? -1 : 1))
  )
  for (const [name, held] of Object.entries(databases)) writeEntries(directory, held, name)
  return directory
}

/** Makes `node_modules` with packages that have the calls of the real ones that are used, over entries in files. */
export const installFakes = (directory: string): void => {
  for (const [name, text] of Object.entries(fakes)) {
    const module = join(directory, "node_modules", name)
    mkdirSync(module, { recursive: true })
    writeFileSync(join(module, "package.json"), JSON.stringify({ name, main: "index.cjs" }))
    writeFileSync(join(module, "index.cjs"), common + text)
  }
}

const common = `
const { readFileSync } = require("node:fs")
const read = (path, name = "default") =>
  JSON.parse(readFileSync(path + "/" + name + ".json", "utf8")).map((entry) => entry.map((hex) => Buffer.from(hex, "hex")))
const iterator = (entries, { gt, lte, values = true }) => {
  const found = entries
    .filter(([key]) => (gt === undefined || Buffer.compare(key, gt) > 0) && (lte === undefined || Buffer.compare(key, lte) <= 0))
    .map(([key, value]) => [key, values ? value : undefined])
  let open = true
  return {
    nextv: async (size) => {
      if (!open) throw new Error("the iterator is closed")
      // What a real disk may do: fail in the middle.
      if (found[0]?.[1]?.toString() === "broken") throw new Error("Corruption: block checksum mismatch")
      const broken = found.findIndex(([, value]) => value?.toString() === "broken")
      return found.splice(0, broken > 0 ? Math.min(size, broken) : size)
    },
    close: async () => { open = false }
  }
}
`

const fakes = {
  "classic-level": `
exports.ClassicLevel = class {
  constructor(path, options) { this.path = path; if (options.createIfMissing !== false) throw new Error("would create") }
  async open() { this.entries = read(this.path) }
  async close() { this.entries = undefined }
  iterator(range) { return iterator(this.entries, range) }
}
`,
  "@nxtedition/rocksdb": `
exports.RocksLevel = class {
  constructor(path, { columns }) { this.path = path; this.requested = Object.keys(columns ?? { default: {} }) }
  async open() {
    const unopened = readFileSync(this.path + "/families", "utf8").split("\\n").filter((name) => !this.requested.includes(name))
    const cause = new Error("Invalid argument: Column families not opened: " + unopened.join(", "))
    if (unopened.length > 0) throw Object.assign(new Error("Database is not open"), { cause })
    this.columns = Object.fromEntries(this.requested.map((name) => [name, name]))
  }
  async close() {}
  iterator({ column, ...range }) { return iterator(read(this.path, column), range) }
}
`,
  lmdb: `
const database = (path, name) => {
  const entries = read(path, name).map(([key, value]) => ({ key, value }))
  const between = ({ start, end, transaction }) => {
    if (transaction.ended !== false) throw new Error("no transaction")
    return entries.filter(({ key }) =>
      (start === undefined || Buffer.compare(key, start) > 0) && (end === undefined || Buffer.compare(key, end) <= 0))
  }
  return {
    getBinary: (key) => entries.find((entry) => entry.key.equals(key))?.value,
    getRange: between,
    getStats: () => ({ entryCount: entries.length }),
    useReadTransaction: () => { const it = { ended: false, done: () => { it.ended = true } }; return it },
    openDB: (named) => database(path, named),
    close: async () => {}
  }
}
exports.open = ({ path, readOnly }) => { if (!readOnly) throw new Error("would write"); return database(path) }
`
}
