import { leveldb } from "./leveldb.js"
import { lmdb } from "./lmdb.js"
import type { Peer } from "./peer.js"
import { rocksdb } from "./rocksdb.js"
import { sqlite } from "./sqlite.js"

export const peers: ReadonlyArray<Peer> = [leveldb, rocksdb, lmdb, sqlite]
