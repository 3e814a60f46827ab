import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { Flags, isRecord, mainFlags, recordFlags, recordName } from "./lmdbFlags.js"
import { loadPackage } from "./loadPackage.js"
import { checkExists } from "./places.js"
import { type Entry, inGroups, type Source, SourceFailure, type SourceOptions } from "./source.js"

interface Encodings {
  readonly encoding: "binary"
  readonly keyEncoding: "binary"
  readonly compression?: boolean
  readonly useVersions?: boolean
}

interface Transaction {
  readonly done: () => void
}

interface Range {
  readonly start?: Uint8Array
  readonly exclusiveStart?: boolean
  readonly end?: Uint8Array
  readonly inclusiveEnd?: boolean
  readonly transaction: Transaction
}

interface Database {
  getBinary(key: Uint8Array): Uint8Array | undefined
  getRange(range: Range): Iterable<Entry>
  getKeys(range: Range): Iterable<Uint8Array>
  getStats(): { readonly entryCount: number }
  useReadTransaction(): Transaction
  close(): Promise<void>
}

interface RootDatabase extends Database {
  openDB(name: string, options: Encodings): Database | undefined
}

interface Lmdb {
  readonly open: (
    options: Encodings & { readonly path: string; readonly readOnly: true; readonly noSubdir: boolean }
  ) => RootDatabase
}

/** Opens an LMDB read-only: only its lock file is written. It may be in use. */
export const openLmdb = async (from: string, { compressed, database, path }: SourceOptions): Promise<Source> => {
  checkExists(path)
  const { open } = await loadPackage<Lmdb>(from, "lmdb", "lmdb@3")
  // The package would make what does not exist, and take a directory whose name has a dot for a file.
  const noSubdir = !statSync(path).isDirectory()
  const file = noSubdir ? path : join(path, "data.mdb")
  if (!existsSync(file)) throw new SourceFailure("there is no LMDB in it")
  const shape = { encoding: "binary", keyEncoding: "binary", compression: compressed } as const
  const openRoot = (flags: number): RootDatabase =>
    open({ ...shape, useVersions: hasVersions(flags), path, readOnly: true, noSubdir })
  const main = mainFlags(file)
  const root = openRoot(database === undefined ? main : 0)
  try {
    if (database === undefined) return sourceOf(root, root, refuse(main, "the main database"))
    const flags = named(root, database)
    refuse(flags, `the database ${database}`)
    const opened = root.openDB(database, { ...shape, useVersions: hasVersions(flags) })
    if (opened === undefined) throw new SourceFailure(`the database ${database} cannot be opened`)
    return sourceOf(root, opened, false)
  } catch (error) {
    await root.close()
    throw error
  }
}

const hasVersions = (flags: number): boolean => (flags & Flags.versions) !== 0

/** Refuses what has no counterpart in a store. Returns that the database may hold the records of named ones. */
const refuse = (flags: number, name: string): true => {
  if ((flags & Flags.dupSort) !== 0) {
    throw new SourceFailure(`${name} has several values for a key (dupSort), and a store has one`)
  }
  if ((flags & (Flags.integerKey | Flags.reverseKey)) !== 0) {
    throw new SourceFailure(`${name} does not order its keys by bytes, because they are integers or reversed`)
  }
  return true
}

/** The flags of a named database. */
const named = (root: RootDatabase, name: string): number => {
  for (const ending of ["\0", ""]) {
    const record = root.getBinary(Buffer.from(`${name}${ending}`))
    if (record !== undefined && isRecord(record)) return recordFlags(record)
  }
  throw new SourceFailure(`there is no database ${name}`)
}

/** Reads in one transaction, so that a source in use is seen at one moment. */
const sourceOf = (root: RootDatabase, database: Database, mayHaveRecords: boolean): Source => {
  const transaction = database.useReadTransaction()
  const names = new Set<string>()
  const entries = database.getStats().entryCount

  function* entriesOf(range: Range): Generator<Entry, void> {
    for (const entry of database.getRange(range)) {
      if (mayHaveRecords && isRecord(entry.value)) names.add(recordName(entry.key))
      else yield entry
    }
  }

  return {
    get entries() {
      return entries - names.size
    },
    read: (after) =>
      inGroups(entriesOf(after === undefined ? { transaction } : { start: after, exclusiveStart: true, transaction })),
    upTo: async (key) => {
      let entries = 0
      let last: Uint8Array | undefined
      for await (const group of inGroups(entriesOf({ end: key, inclusiveEnd: true, transaction }))) {
        entries += group.length
        last = group.at(-1)!.key
        // Iterating waits for nothing, and signals must get their turn.
        await setImmediate()
      }
      return { entries, found: last !== undefined && Buffer.compare(last, key) === 0 }
    },
    beside: () => Array.from(names, (name) => `the database ${name}`),
    close: async () => {
      transaction.done()
      await root.close()
    }
  }
}
