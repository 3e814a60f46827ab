import { MiB, type Opened, type Peer, type Settings } from "./peer.js"

const load = () => import("classic-level")

const budgets = (settings: Settings) => ({
  compression: settings.compression,
  cacheSize: settings.cacheBytes,
  writeBufferSize: settings.writeBufferBytes
})

const open = async (directory: string, settings: Settings): Promise<Opened> => {
  const { ClassicLevel } = await load()
  const level = new ClassicLevel(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    ...(settings.defaults === true ? {} : budgets(settings))
  })
  await level.open()
  const write = { sync: settings.durability === "sync" }
  // The default returns 16 KiB at a time, whatever size nextv requests.
  const highWaterMarkBytes = MiB
  return {
    async: {
      put: (key, value) => level.put(key, value, write),
      delete: (key) => level.del(key, write),
      batch: (keyAt, valueAt, from, to) => {
        // Chained batches are several times faster than batches from an array.
        const batch = level.batch()
        for (let i = from; i < to; i++) batch.put(keyAt(i), valueAt(i))
        return batch.write(write)
      },
      get: (key) => level.get(key),
      getMany: (keys) => level.getMany(keys),
      readAll: async (reverse) => {
        let bytes = 0
        const iterator = level.iterator({ highWaterMarkBytes, reverse })
        for (let found = await iterator.nextv(1000); found.length > 0; found = await iterator.nextv(1000)) {
          for (const [key, value] of found) bytes += key.length + value.length
        }
        await iterator.close()
        return bytes
      },
      seek: async (key, count) => {
        let bytes = 0
        const iterator = level.iterator({ highWaterMarkBytes, gte: key, limit: count })
        for (const [found, value] of await iterator.nextv(count)) bytes += found.length + value.length
        await iterator.close()
        return bytes
      }
    },
    sync: { get: (key) => level.getSync(key) },
    compact: () => level.compactRange(Buffer.alloc(0), Buffer.alloc(32, 0xff)),
    close: () => level.close()
  }
}

export const leveldb: Peer = {
  name: "LevelDB",
  module: "classic-level",
  load,
  open,
  async: ["put", "delete", "batch", "get", "getMany", "readAll", "seek"],
  sync: ["get"],
  promises: {
    buffered: "the operating system has it; a power cut leaves a prefix of the log",
    sync: "sync: true: fdatasync of the log before it returns"
  }
}
