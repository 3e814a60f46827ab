import { loadPackage } from "./loadPackage.js"

type Parameter = Uint8Array | bigint

/** What is needed of SQLite. Two packages have it under other names. */
export interface SqliteDatabase {
  readonly exec: (sql: string) => void
  readonly all: <Rows extends ReadonlyArray<unknown>>(sql: string, ...parameters: ReadonlyArray<Parameter>) => Rows
  readonly iterate: <Row>(sql: string, ...parameters: ReadonlyArray<Parameter>) => Iterable<Row>
  readonly close: () => void
}

interface Statement {
  all(...parameters: ReadonlyArray<Parameter>): ReadonlyArray<unknown>
  iterate(...parameters: ReadonlyArray<Parameter>): Iterable<unknown>
}

interface Driver {
  exec(sql: string): unknown
  prepare(sql: string): Statement
  close(): void
}

type BetterSqlite = new (path: string, options: { readonly readonly: true; readonly fileMustExist: true }) => Driver

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readonly readOnly: true }) => Driver
  readonly StatementSync: { readonly prototype: { readonly iterate?: unknown } }
}

/** Opens a file read-only with the SQLite of Node, from 22.13 on, or else with the package better-sqlite3. */
export const openDatabase = async (from: string, path: string): Promise<SqliteDatabase> => {
  const driver = await openDriver(from, path)
  return {
    exec: (sql) => void driver.exec(sql),
    all: <Rows>(sql: string, ...parameters: ReadonlyArray<Parameter>) => driver.prepare(sql).all(...parameters) as Rows,
    iterate: <Row>(sql: string, ...parameters: ReadonlyArray<Parameter>) =>
      driver.prepare(sql).iterate(...parameters) as Iterable<Row>,
    close: () => driver.close()
  }
}

const openDriver = async (from: string, path: string): Promise<Driver> => {
  const node = nodeSqlite()
  if (node !== undefined) return new node.DatabaseSync(path, { readOnly: true })
  const Database = await loadPackage<BetterSqlite>(from, "better-sqlite3", "better-sqlite3@12")
  return new Database(path, { readonly: true, fileMustExist: true })
}

/** `node:sqlite`, if this Node has it with all that is needed. */
const nodeSqlite = (): NodeSqlite | undefined => {
  const { getBuiltinModule } = process as { readonly getBuiltinModule?: (name: string) => NodeSqlite | undefined }
  const module = getBuiltinModule?.("node:sqlite")
  return module?.StatementSync.prototype.iterate === undefined ? undefined : module
}
