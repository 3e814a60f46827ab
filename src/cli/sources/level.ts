import { type LevelDatabase, levelSource } from "./levelEntries.js"
import { loadPackage } from "./loadPackage.js"
import { checkLevelPlace } from "./places.js"
import type { Source, SourceOptions } from "./source.js"

interface ClassicLevel {
  readonly ClassicLevel: new (
    path: string,
    options: { readonly keyEncoding: "buffer"; readonly valueEncoding: "buffer"; readonly createIfMissing: boolean }
  ) => LevelDatabase
}

/** Opens a LevelDB. It cannot be opened without writing: opening replays its log into a table. */
export const openLevel = async (from: string, { path }: SourceOptions): Promise<Source> => {
  checkLevelPlace(path, "level")
  const { ClassicLevel } = await loadPackage<ClassicLevel>(from, "classic-level", "classic-level@3")
  const database = new ClassicLevel(path, { keyEncoding: "buffer", valueEncoding: "buffer", createIfMissing: false })
  await database.open()
  return levelSource(database, {}, [])
}
