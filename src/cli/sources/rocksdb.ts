import { type LevelDatabase, levelSource } from "./levelEntries.js"
import { loadPackage, reasonOf } from "./loadPackage.js"
import { checkLevelPlace } from "./places.js"
import { type Source, SourceFailure, type SourceOptions } from "./source.js"

interface RocksDatabase extends LevelDatabase {
  readonly columns: Readonly<Record<string, unknown>>
}

interface RocksLevel {
  readonly RocksLevel: new (
    path: string,
    options: {
      readonly keyEncoding: "buffer"
      readonly valueEncoding: "buffer"
      readonly createIfMissing: boolean
      readonly columns?: Readonly<Record<string, object>>
    }
  ) => RocksDatabase
}

/** Opens a RocksDB. The binding cannot open it read-only: opening replays its log into tables. */
export const openRocksdb = async (from: string, { columnFamily = "default", path }: SourceOptions): Promise<Source> => {
  checkLevelPlace(path, "rocksdb")
  const { RocksLevel } = await loadPackage<RocksLevel>(from, "@nxtedition/rocksdb", "@nxtedition/rocksdb@12")
  const options = { keyEncoding: "buffer", valueEncoding: "buffer", createIfMissing: false } as const
  let database = new RocksLevel(path, options)
  let families = ["default"]
  try {
    await database.open()
  } catch (error) {
    families = [...families, ...unopened(error)]
    if (families.length === 1) throw error
  }
  // The binding makes column families that are absent, so none is opened that RocksDB has not named.
  if (!families.includes(columnFamily)) {
    if (families.length === 1) await database.close()
    throw new SourceFailure(`there is no column family ${columnFamily}; there are: ${families.join(", ")}`)
  }
  if (families.length > 1) {
    database = new RocksLevel(path, { ...options, columns: Object.fromEntries(families.map((name) => [name, {}])) })
    await database.open()
  }
  const others = families.filter((name) => name !== columnFamily)
  return levelSource(
    database,
    families.length === 1 ? {} : { column: database.columns[columnFamily] },
    others.map((name) => `the column family ${name}`)
  )
}

/** RocksDB opens all column families or none, and names those that were not requested. */
const unopened = (error: unknown): ReadonlyArray<string> =>
  /Column families not opened: (.*)$/s.exec(reasonOf(error))?.[1]?.split(", ") ?? []
