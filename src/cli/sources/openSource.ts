import { openLevel } from "./level.js"
import { openLmdb } from "./lmdb.js"
import { reasonOf } from "./loadPackage.js"
import { openRocksdb } from "./rocksdb.js"
import type { Source, SourceOptions } from "./source.js"
import { openSqlite } from "./sqlite.js"

/** The stores that can be read, with the options that each has beside its path. */
export const sources = {
  level: { open: openLevel, options: [] },
  lmdb: { open: openLmdb, options: ["database", "compressed"] },
  rocksdb: { open: openRocksdb, options: ["columnFamily"] },
  sqlite: { open: openSqlite, options: ["table", "keyColumn", "valueColumn"] }
} as const satisfies Record<string, SourceKind>

interface SourceKind {
  readonly open: (from: string, options: SourceOptions) => Promise<Source>
  readonly options: ReadonlyArray<keyof SourceOptions>
}

/** The name of such a store. */
export type SourceName = keyof typeof sources

/** Opens a store. `from` is the directory whose packages are used. */
export const openSource = (name: SourceName, from: string, options: SourceOptions): Promise<Source> =>
  sources[name].open(from, options)

/** Why a source failed, in the words of its own package. */
export const sourceFault = (error: unknown): string => {
  const reason = reasonOf(error)
  // Those of the operating system name the function and the path, which the user has typed.
  return /^[A-Z0-9_]+: (.*?)(, |$)/.exec(reason)?.[1] ?? reason
}
