import { SourceFailure, type SourceOptions } from "./source.js"
import type { SqliteDatabase } from "./sqliteDatabase.js"

interface Column {
  readonly name: string
  /** The place of the column in the primary key, from 1; 0 if it is not in it. */
  readonly pk: number
}

/**
 * Chooses what is not given, if there is no choice: the only table, the primary key, and of two columns the other.
 */
export const resolveColumns = (
  database: SqliteDatabase,
  given: SourceOptions
): { readonly table: string; readonly key: string; readonly value: string } => {
  const tables = database
    .all<ReadonlyArray<{ readonly name: string }>>(
      "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    .map(({ name }) => name)
  const table = only(tables, given.table, "table", "--table")
  const columns = database.all<ReadonlyArray<Column>>(`PRAGMA table_xinfo(${quoted(table)})`)
  const names = columns.map(({ name }) => name)
  const primary = columns.filter(({ pk }) => pk > 0).map(({ name }) => name)
  const key = only(
    given.keyColumn === undefined ? primary : names,
    given.keyColumn,
    "key column",
    "--key-column",
    names
  )
  const others = names.filter((name) => name !== key)
  const value = only(
    given.valueColumn === undefined ? others : names,
    given.valueColumn,
    "value column",
    "--value-column",
    names
  )
  return { table, key, value }
}

/** The candidate that is given, or the only one. */
const only = (
  candidates: ReadonlyArray<string>,
  given: string | undefined,
  what: string,
  option: string,
  all = candidates
): string => {
  const there = `there are: ${all.length === 0 ? "none" : all.join(", ")}`
  if (given !== undefined) {
    const found = candidates.find((name) => name.toLowerCase() === given.toLowerCase())
    if (found === undefined) throw new SourceFailure(`there is no ${what.replace(/^.* /, "")} ${given}; ${there}`)
    return found
  }
  if (candidates.length !== 1) throw new SourceFailure(`name the ${what} with ${option}; ${there}`)
  return candidates[0]!
}

/** An identifier in SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
