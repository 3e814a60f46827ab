import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { SourceFailure } from "./source.js"

/**
 * Checks that a directory has a LevelDB or a RocksDB, before its package opens it. The packages make directories and
 * files where there are none, and RocksDB opens a LevelDB and changes it.
 */
export const checkLevelPlace = (path: string, kind: "level" | "rocksdb"): void => {
  checkExists(path)
  const names = statSync(path).isDirectory() ? readdirSync(path) : []
  const current = names.includes("CURRENT") ? readFileSync(join(path, "CURRENT"), "latin1") : ""
  if (!/^MANIFEST-\d+\n$/.test(current)) {
    throw new SourceFailure(`there is no ${kind === "level" ? "LevelDB" : "RocksDB"} in it`)
  }
  const found = names.some((name) => name === "IDENTITY" || name.startsWith("OPTIONS-")) ? "rocksdb" : "level"
  if (found !== kind)
    throw new SourceFailure(`it is a ${found === "level" ? "LevelDB" : "RocksDB"}: use --from ${found}`)
}

/** Fails if there is nothing at a path. The order of the arguments is what is mistaken most easily. */
export const checkExists = (path: string): void => {
  if (existsSync(path)) return
  throw new SourceFailure("no such file or directory (the store comes first, then the one to import)")
}
