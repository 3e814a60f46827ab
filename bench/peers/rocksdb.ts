import { setTimeout } from "node:timers/promises"
import { allCalls, MiB, type Opened, type Peer, type Settings, usual } from "./peer.js"

const load = () => import("@nxtedition/rocksdb")

const scans = { highWaterMarkBytes: MiB, keyEncoding: "buffer", valueEncoding: "buffer" } as const

const sizeOf = (rows: ReadonlyArray<Uint8Array>): number => {
  let bytes = 0
  for (let i = 0; i < rows.length; i++) bytes += rows[i]!.length
  return bytes
}

const sizeOfEntries = (entries: ReadonlyArray<readonly [Uint8Array, Uint8Array]>): number => {
  let bytes = 0
  for (const [key, value] of entries) bytes += key.length + value.length
  return bytes
}

const notFound = (error: { readonly code?: string }): undefined => {
  if (error.code !== "LEVEL_NOT_FOUND") throw error
}

const budgets = ({ cacheBytes, writeBufferBytes, compression }: Settings) => {
  // The binding sets the write buffer only through this budget, of which it takes a quarter.
  const buffers = { compaction: "level", memtableMemoryBudget: writeBufferBytes * 4 } as const
  return {
    cacheSize: cacheBytes,
    compression,
    walCompression: false,
    ...(writeBufferBytes === usual.writeBufferBytes ? {} : buffers)
  }
}

const open = async (directory: string, settings: Settings): Promise<Opened> => {
  const { RocksLevel } = await load()
  const db = new RocksLevel(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    createIfMissing: true,
    infoLogLevel: "error",
    ...(settings.defaults === true ? {} : budgets(settings))
  })
  await db.open()
  const write = { sync: settings.durability === "sync" }
  const batch = db.batch()
  const put = (key: Uint8Array, value: Uint8Array) => {
    batch._put(key, value)
    batch._writeSync(write)
    batch._clear()
  }
  return {
    async: {
      // `put` ignores `sync`; a batch of one entry does not.
      put: write.sync
        ? (key, value) => db.batch([{ type: "put", key, value }], write)
        : (key, value) => db.put(key, value),
      delete: (key) => db.del(key),
      batch: (keyAt, valueAt, from, to) => {
        const operations: Array<{ type: "put"; key: Uint8Array; value: Uint8Array }> = []
        for (let i = from; i < to; i++) operations.push({ type: "put", key: keyAt(i), value: valueAt(i) })
        return db.batch(operations, write)
      },
      get: (key) => db.get(key).catch(notFound),
      getMany: (keys) => db.getMany(keys),
      readAll: async (reverse) => {
        let bytes = 0
        const iterator = db.iterator({ ...scans, reverse })
        for (let found = await iterator.nextv(1000); found.length > 0; found = await iterator.nextv(1000)) {
          bytes += sizeOfEntries(found)
        }
        await iterator.close()
        return bytes
      },
      seek: async (key, count) => {
        const iterator = db.iterator({ ...scans, gte: key, limit: count })
        const bytes = sizeOfEntries(await iterator.nextv(count))
        await iterator.close()
        return bytes
      }
    },
    sync: {
      put,
      delete: (key) => {
        batch._del(key)
        batch._writeSync(write)
        batch._clear()
      },
      batch: (keyAt, valueAt, from, to) => {
        for (let i = from; i < to; i++) batch._put(keyAt(i), valueAt(i))
        batch._writeSync(write)
        batch._clear()
      },
      get: (key) => db._getManySync([key])[0],
      getMany: (keys) => db._getManySync(keys),
      readAll: (reverse) => {
        let bytes = 0
        const iterator = db.iterator({ ...scans, reverse })
        for (;;) {
          const { rows, finished } = iterator._nextvSync(1000)
          bytes += sizeOf(rows)
          if (finished) break
        }
        iterator._closeSync()
        return bytes
      },
      seek: (key, count) => {
        const iterator = db.iterator({ ...scans, gte: key, limit: count })
        const bytes = sizeOf(iterator._nextvSync(count).rows)
        iterator._closeSync()
        return bytes
      }
    },
    // The binding has no call to compact, so wait for automatic compactions.
    compact: async () => {
      const busy = ["rocksdb.num-running-flushes", "rocksdb.num-running-compactions", "rocksdb.compaction-pending"]
      while (busy.some((property) => db.getProperty(property) !== "0")) await setTimeout(20)
    },
    close: () => db.close()
  }
}

export const rocksdb: Peer = {
  name: "RocksDB",
  module: "@nxtedition/rocksdb",
  load,
  open,
  async: allCalls,
  sync: allCalls,
  promises: {
    buffered: "the operating system has it; a power cut leaves a prefix of the log",
    sync: "a batch with sync: true: fdatasync of the log before it returns"
  }
}
