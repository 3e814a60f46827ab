import { type Entry, groupBytes, groupEntries, type Source } from "./source.js"

/** What the bindings of LevelDB and RocksDB have in common. */
export interface LevelDatabase {
  open(): Promise<void>
  close(): Promise<void>
  iterator(options: LevelRange): LevelIterator
}

interface LevelRange {
  readonly gt?: Uint8Array
  readonly lte?: Uint8Array
  readonly values?: boolean
  readonly keyEncoding: "buffer"
  readonly valueEncoding: "buffer"
  readonly fillCache: boolean
  readonly highWaterMarkBytes: number
  readonly column?: unknown
}

interface LevelIterator {
  nextv(size: number): Promise<ReadonlyArray<readonly [Uint8Array, Uint8Array]>>
  close(): Promise<void>
}

/** Reads an open database. `place` is a column family, if there is one. */
export const levelSource = (
  database: LevelDatabase,
  place: { readonly column?: unknown },
  beside: ReadonlyArray<string>
): Source => {
  async function* read(range: Partial<LevelRange>): AsyncGenerator<ReadonlyArray<Entry>, void> {
    const iterator = database.iterator({ ...bytes, ...place, ...range })
    try {
      for (;;) {
        const found = await iterator.nextv(groupEntries)
        if (found.length === 0) return
        yield found.map(([key, value]) => ({ key, value }))
      }
    } finally {
      await iterator.close()
    }
  }
  return {
    entries: undefined,
    read: (after) => read(after === undefined ? {} : { gt: after }),
    upTo: async (key) => {
      let entries = 0
      let last: Uint8Array | undefined
      for await (const group of read({ lte: key, values: false })) {
        entries += group.length
        last = group.at(-1)!.key
      }
      return { entries, found: last !== undefined && Buffer.compare(last, key) === 0 }
    },
    beside: () => beside,
    close: () => database.close()
  }
}

const bytes = {
  keyEncoding: "buffer",
  valueEncoding: "buffer",
  fillCache: false,
  highWaterMarkBytes: groupBytes
} as const
