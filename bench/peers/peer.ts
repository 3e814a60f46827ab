/**
 * The interface of a native store. Each module of this folder binds one store by its fastest public
 * calls.
 */

type Bytes = Uint8Array

/**
 * - `buffered`: acknowledged writes survive the end of the process.
 * - `ordered`: in addition, a power cut may lose the newest writes but leaves the store sound.
 * - `sync`: every acknowledged write is on disk.
 */
export type Durability = "buffered" | "ordered" | "sync"

export interface Settings {
  readonly durability: Durability
  readonly cacheBytes: number
  /** For log-structured stores: the bytes gathered in memory before a table is written. */
  readonly writeBufferBytes: number
  /** Whether to use the default compression of the store. */
  readonly compression: boolean
  /** Opens the store with its own defaults, except for durability. The other settings do not apply. */
  readonly defaults?: boolean
  /** For stores that checkpoint their log: never do so, so that all data stays in the log. */
  readonly keepLog?: boolean
}

export const MiB = 1024 * 1024

export const usual: Settings = {
  durability: "buffered",
  cacheBytes: 64 * MiB,
  writeBufferBytes: 64 * MiB,
  compression: false
}

export type At = (index: number) => Bytes

/** Calls that return promises. `readAll` and `seek` return the number of bytes read. */
export interface AsyncCalls {
  readonly put: (key: Bytes, value: Bytes) => Promise<unknown>
  readonly delete: (key: Bytes) => Promise<unknown>
  /** Builds and writes one batch of the entries from `from` up to `to`. */
  readonly batch: (keyAt: At, valueAt: At, from: number, to: number) => Promise<unknown>
  readonly get: (key: Bytes) => Promise<Bytes | undefined>
  readonly getMany: (keys: ReadonlyArray<Bytes>) => Promise<ReadonlyArray<Bytes | undefined>>
  readonly readAll: (reverse: boolean) => Promise<number>
  readonly seek: (key: Bytes, count: number) => Promise<number>
}

export type Call = keyof AsyncCalls

/** The same calls, synchronous. */
export type SyncCalls = {
  readonly [C in Call]: (...args: Parameters<AsyncCalls[C]>) => Awaited<ReturnType<AsyncCalls[C]>>
}

export interface Opened {
  readonly async: Partial<AsyncCalls>
  readonly sync: Partial<SyncCalls>
  /** Compacts the store, as far as it has a call for it. */
  readonly compact: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface Peer {
  readonly name: string
  readonly module: string
  /** Loads the module. Rejects with the reason if the peer does not work on this machine. */
  readonly load: () => Promise<unknown>
  readonly open: (directory: string, settings: Settings) => Promise<Opened>
  /** The calls that `Opened` has, known without opening the store. */
  readonly async: ReadonlyArray<Call>
  readonly sync: ReadonlyArray<Call>
  /**
   * What an acknowledged write guarantees, by durability. An absent level is the same as its
   * neighbour.
   */
  readonly promises: Readonly<Partial<Record<Durability, string>>>
}

export const allCalls: ReadonlyArray<Call> = ["put", "delete", "batch", "get", "getMany", "readAll", "seek"]
