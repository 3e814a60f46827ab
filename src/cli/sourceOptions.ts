import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CommandFailed } from "./failure.js"
import { switchOption, textOption } from "./framework/parameters.js"
import { type SourceName, sources } from "./sources/openSource.js"
import type { SourceOptions } from "./sources/source.js"

const names = Object.keys(sources) as ReadonlyArray<SourceName>

/** The other store to read, instead of lines. */
export const from = Options.choice("from", names).pipe(
  Options.optional,
  Options.withDescription(
    "Import from another store: <file> is its directory, or the file of an SQLite database. Its package must be installed: classic-level, lmdb, @nxtedition/rocksdb, or better-sqlite3 on a Node without SQLite, before 22.13."
  )
)

/** What to read of the other store. */
export const sourceOptions = {
  database: textOption("database", "name", "lmdb: a named database. Default: the main one.").pipe(Options.optional),
  compressed: switchOption("compressed", "lmdb: the database was opened with compression: decompress its values."),
  columnFamily: textOption("column-family", "name", "rocksdb: a column family. Default: default.").pipe(
    Options.optional
  ),
  table: textOption("table", "name", "sqlite: a table or view. Default: the only one.").pipe(Options.optional),
  keyColumn: textOption("key-column", "name", "sqlite: the column with the keys. Default: the primary key.").pipe(
    Options.optional
  ),
  valueColumn: textOption(
    "value-column",
    "name",
    "sqlite: the column with the values. Default: the other one of two columns."
  ).pipe(Options.optional)
}

/** How to import from another store. */
export const sourceModes = {
  resume: switchOption(
    "resume",
    "With --from: continue an import that was interrupted, behind the largest key of the store."
  ),
  intoExisting: switchOption(
    "into-existing",
    "With --from: write into a store that has entries. Equal keys get the value of the other store."
  ),
  verify: switchOption("verify", "With --from: then read the other store once more, and compare each entry.")
}

interface Given {
  readonly database: Option.Option<string>
  readonly compressed: boolean
  readonly columnFamily: Option.Option<string>
  readonly table: Option.Option<string>
  readonly keyColumn: Option.Option<string>
  readonly valueColumn: Option.Option<string>
}

interface Modes {
  readonly resume: boolean
  readonly intoExisting: boolean
  readonly verify: boolean
}

const spelled: Readonly<Record<keyof Given | keyof Modes, string>> = {
  database: "--database",
  compressed: "--compressed",
  columnFamily: "--column-family",
  table: "--table",
  keyColumn: "--key-column",
  valueColumn: "--value-column",
  resume: "--resume",
  intoExisting: "--into-existing",
  verify: "--verify"
}

const isGiven = (value: Option.Option<string> | boolean): boolean =>
  typeof value === "boolean" ? value : Option.isSome(value)

/** Fails if an option is given that does not belong to the store, or without one. */
export const checkSourceOptions = (
  name: SourceName | undefined,
  given: Given,
  modes: Modes
): Effect.Effect<void, CommandFailed> => {
  const all = Object.entries({ ...given, ...modes }) as ReadonlyArray<[keyof Given | keyof Modes, Given["table"]]>
  const used = all.filter(([, value]) => isGiven(value)).map(([option]) => option)
  const fitting: ReadonlyArray<string> = name === undefined ? [] : [...sources[name].options, ...Object.keys(modes)]
  const stray = used.find((option) => !fitting.includes(option))
  if (stray !== undefined) {
    const reason = name === undefined || !(stray in given) ? "needs --from" : `does not go with --from ${name}`
    return Effect.fail(new CommandFailed({ message: `${spelled[stray]} ${reason}` }))
  }
  return modes.resume && modes.intoExisting
    ? Effect.fail(new CommandFailed({ message: "--resume and --into-existing cannot be used together" }))
    : Effect.void
}

/** The options of a source. */
export const toSourceOptions = (path: string, given: Given): SourceOptions => ({
  path,
  database: Option.getOrUndefined(given.database),
  compressed: given.compressed,
  columnFamily: Option.getOrUndefined(given.columnFamily),
  table: Option.getOrUndefined(given.table),
  keyColumn: Option.getOrUndefined(given.keyColumn),
  valueColumn: Option.getOrUndefined(given.valueColumn)
})
