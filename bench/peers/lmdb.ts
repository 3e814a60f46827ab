import { allCalls, type Opened, type Peer, type Settings } from "./peer.js"

const load = () => import("lmdb")

const open = async (directory: string, settings: Settings): Promise<Opened> => {
  const { open } = await load()
  const db = open({
    path: directory,
    encoding: "binary",
    keyEncoding: "binary",
    noSync: settings.durability === "buffered",
    overlappingSync: settings.durability === "ordered",
    ...(settings.defaults === true ? {} : { compression: settings.compression })
  })
  // A range that is read synchronously, with no writes in between, needs no snapshot.
  const snapshot = false
  const readAll = (reverse: boolean) => {
    let bytes = 0
    for (const { key, value } of db.getRange({ reverse, snapshot })) bytes += key.length + value.length
    return bytes
  }
  const seek = (start: Uint8Array, limit: number) => {
    let bytes = 0
    for (const { key, value } of db.getRange({ start, limit, snapshot })) bytes += key.length + value.length
    return bytes
  }
  return {
    async: {
      put: (key, value) => db.put(key, value),
      delete: (key) => db.remove(key),
      batch: (keyAt, valueAt, from, to) =>
        db.batch(() => {
          for (let i = from; i < to; i++) db.put(keyAt(i), valueAt(i))
        }),
      getMany: (keys) => db.getMany(keys)
    },
    sync: {
      put: (key, value) => db.putSync(key, value),
      delete: (key) => db.removeSync(key),
      batch: (keyAt, valueAt, from, to) =>
        db.transactionSync(() => {
          for (let i = from; i < to; i++) db.putSync(keyAt(i), valueAt(i))
        }),
      // The fastest get. The value is valid until the next get.
      get: (key) => db.getBinaryFast(key),
      getMany: (keys) => {
        const values: Array<Uint8Array | undefined> = []
        for (let i = 0; i < keys.length; i++) values.push(db.getBinary(keys[i]!))
        return values
      },
      readAll,
      seek
    },
    compact: async () => {},
    close: () => db.close()
  }
}

export const lmdb: Peer = {
  name: "LMDB",
  module: "lmdb",
  load,
  open,
  async: ["put", "delete", "batch", "getMany"],
  sync: allCalls,
  promises: {
    buffered: "noSync: in the page cache; a power cut may damage the store",
    ordered: "overlappingSync: committed, synced soon after; a power cut loses the newest writes",
    sync: "overlappingSync: false: synced before it returns; concurrent writers share a commit"
  }
}
