import { join } from "node:path"
import { allCalls, type Opened, type Peer, type Settings } from "./peer.js"

const load = async () => {
  const { default: Database } = await import("better-sqlite3")
  new Database(":memory:").close()
  return Database
}

const synchronous = { buffered: "OFF", ordered: "NORMAL", sync: "FULL" } as const

type Pair = readonly [Uint8Array, Uint8Array]

const open = async (directory: string, settings: Settings): Promise<Opened> => {
  const Database = await load()
  const db = new Database(join(directory, "store.db"))
  db.pragma("journal_mode = WAL")
  db.pragma(`synchronous = ${synchronous[settings.durability]}`)
  if (settings.defaults !== true) db.pragma(`cache_size = ${-settings.cacheBytes / 1024}`)
  if (settings.keepLog === true) db.pragma("wal_autocheckpoint = 0")
  db.exec("CREATE TABLE IF NOT EXISTS store (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
  const put = db.prepare("INSERT OR REPLACE INTO store VALUES (?, ?)")
  const remove = db.prepare("DELETE FROM store WHERE key = ?")
  const get = db.prepare<Uint8Array>("SELECT value FROM store WHERE key = ?").pluck()
  const forward = db.prepare<Pair>("SELECT key, value FROM store ORDER BY key").raw()
  const backward = db.prepare<Pair>("SELECT key, value FROM store ORDER BY key DESC").raw()
  const from = db.prepare<Pair>("SELECT key, value FROM store WHERE key >= ? ORDER BY key LIMIT ?").raw()
  const begin = db.prepare("BEGIN")
  const commit = db.prepare("COMMIT")
  return {
    async: {},
    sync: {
      put: (key, value) => put.run(key, value),
      delete: (key) => remove.run(key),
      batch: (keyAt, valueAt, from, to) => {
        begin.run()
        for (let i = from; i < to; i++) put.run(keyAt(i), valueAt(i))
        commit.run()
      },
      get: (key) => get.get(key),
      getMany: (keys) => {
        const values: Array<Uint8Array | undefined> = []
        begin.run()
        for (let i = 0; i < keys.length; i++) values.push(get.get(keys[i]!))
        commit.run()
        return values
      },
      readAll: (reverse) => {
        let bytes = 0
        for (const [key, value] of (reverse ? backward : forward).iterate()) bytes += key.length + value.length
        return bytes
      },
      seek: (key, count) => {
        let bytes = 0
        for (const [found, value] of from.all(key, count)) bytes += found.length + value.length
        return bytes
      }
    },
    compact: async () => {
      db.pragma("wal_checkpoint(TRUNCATE)")
    },
    close: async () => db.close()
  }
}

export const sqlite: Peer = {
  name: "SQLite",
  module: "better-sqlite3",
  load,
  open,
  async: [],
  sync: allCalls,
  promises: {
    buffered: "WAL, synchronous = OFF: the operating system has it; a power cut may damage the store",
    ordered: "WAL, synchronous = NORMAL: the log is synced at checkpoints; a power cut loses the newest writes",
    sync: "WAL, synchronous = FULL: the log is synced before it returns"
  }
}
