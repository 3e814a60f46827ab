import { statSync } from "node:fs"
import { checkExists } from "./places.js"
import { type Entry, inGroups, type Source, SourceFailure, type SourceOptions } from "./source.js"
import { quoted, resolveColumns } from "./sqliteColumns.js"
import { openDatabase, type SqliteDatabase } from "./sqliteDatabase.js"

/** The kinds of values that SQLite has. */
type Kind = "null" | "integer" | "real" | "text" | "blob"

interface Row {
  readonly keyKind: Kind
  readonly key: Uint8Array
  readonly valueKind: Kind
  readonly value: Uint8Array | number | null
}

/**
 * Opens an SQLite database read-only, and a transaction that sees it at one moment. It may be in use.
 *
 * Text and blobs are taken as their bytes. A number as a value becomes its text; an integer as a key becomes eight
 * bytes, the highest first, which sort as the number does.
 */
export const openSqlite = async (from: string, options: SourceOptions): Promise<Source> => {
  checkExists(options.path)
  if (!statSync(options.path).isFile()) throw new SourceFailure("it is no file, and an SQLite database is one")
  const database = await openDatabase(from, options.path)
  try {
    const [{ encoding }] = database.all<[{ readonly encoding: string }]>("PRAGMA encoding")
    if (encoding !== "UTF-8") {
      throw new SourceFailure(`its text is ${encoding}, whose order is not that of UTF-8; dump it into a new database`)
    }
    database.exec("BEGIN")
    return sourceOf(database, resolveColumns(database, options))
  } catch (error) {
    database.close()
    throw error
  }
}

interface Columns {
  readonly table: string
  readonly key: string
  readonly value: string
}

const sourceOf = (database: SqliteDatabase, columns: Columns): Source => {
  const table = quoted(columns.table)
  // With the table's name, so that they are not taken for the names of the result's columns.
  const key = `${table}.${quoted(columns.key)}`
  const value = `${table}.${quoted(columns.value)}`
  const [{ entries }] = database.all<[{ readonly entries: number }]>(`SELECT count(*) AS entries FROM ${table}`)

  /** How a key in bytes is said in SQL: the same bytes may be a text, a blob or an integer. */
  const sayKey = (bytes: Uint8Array): { readonly sql: string; readonly parameter: Uint8Array | bigint } | undefined => {
    const ways = [
      { sql: "CAST(? AS TEXT)", parameter: bytes },
      { sql: "?", parameter: bytes },
      ...(bytes.length === 8 ? [{ sql: "?", parameter: Buffer.from(bytes).readBigInt64BE() }] : [])
    ]
    return ways.find(
      ({ parameter, sql }) =>
        database.all(`SELECT 1 FROM ${table} WHERE ${key} = ${sql} COLLATE BINARY LIMIT 1`, parameter).length > 0
    )
  }

  function* rows(after: Uint8Array | undefined): Generator<Entry, void> {
    const from = after === undefined ? undefined : sayKey(after)
    if (after !== undefined && from === undefined) throw new SourceFailure("the key to continue behind is not there")
    // A text is cast, because drivers replace what is no UTF-8. A real is not: its text would have 15 digits.
    const found = database.iterate<Row>(
      `SELECT typeof(${key}) AS keyKind, CAST(${key} AS BLOB) AS key, typeof(${value}) AS valueKind,
              CASE typeof(${value}) WHEN 'real' THEN ${value} ELSE CAST(${value} AS BLOB) END AS value
       FROM ${table} ${from === undefined ? "" : `WHERE ${key} > ${from.sql} COLLATE BINARY`}
       ORDER BY ${key} COLLATE BINARY`,
      ...(from === undefined ? [] : [from.parameter])
    )
    for (const row of found) yield { key: keyBytes(row), value: valueBytes(row) }
  }

  return {
    entries,
    read: (after) => inGroups(rows(after)),
    upTo: async (bytes) => {
      const said = sayKey(bytes)
      if (said === undefined) return { entries: 0, found: false }
      const [counted] = database.all<[{ readonly entries: number }]>(
        `SELECT count(*) AS entries FROM ${table} WHERE ${key} <= ${said.sql} COLLATE BINARY`,
        said.parameter
      )
      return { entries: counted.entries, found: true }
    },
    beside: () => [],
    close: async () => database.close()
  }
}

const keyBytes = ({ key, keyKind }: Row): Uint8Array => {
  if (keyKind === "text" || keyKind === "blob") return key
  if (keyKind === "null") throw new SourceFailure("a row has NULL as its key")
  // Cast to a blob, a number is its decimal text.
  const text = Buffer.from(key).toString("latin1")
  if (keyKind === "real") throw new SourceFailure(`the key ${text} is a real number, which has no bytes that sort`)
  const number = BigInt(text)
  if (number < 0n) throw new SourceFailure(`the key ${text} is negative, and its bytes would sort behind all others`)
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(number)
  return bytes
}

const valueBytes = ({ key, keyKind, value, valueKind }: Row): Uint8Array => {
  if (value instanceof Uint8Array) return value
  if (valueKind === "real") return Buffer.from(String(value))
  const named = keyKind === "blob" ? `x'${Buffer.from(key).toString("hex")}'` : Buffer.from(key).toString("utf8")
  throw new SourceFailure(`the row with the key ${named} has NULL as its value`)
}
