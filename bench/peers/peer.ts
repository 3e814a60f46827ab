/** What a native store must offer here. Each module beside this one binds one to it, by its fastest public calls. */

type Bytes = Uint8Array

/**
 * `buffered`: the process may die, nothing is waited for. `ordered`: a power cut besides may cost the newest writes but leaves the
 * store sound. `sync`: every acknowledged write is on disk.
 */
export type Durability = "buffered" | "ordered" | "sync"

export interface Settings {
  readonly durability: Durability
  readonly cacheBytes: number
  /** Of a log-structured store: what it gathers in memory before it writes a table. */
  readonly writeBufferBytes: number
  /** The store's usual compression, or none. */
  readonly compression: boolean
  /** Of a store whose log is copied back at times: never, so that the log keeps what it was given. */
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

/** Calls that answer with a promise. `readAll` and `seek` answer the bytes they have read. */
export interface AsyncCalls {
  readonly put: (key: Bytes, value: Bytes) => Promise<unknown>
  readonly delete: (key: Bytes) => Promise<unknown>
  /** The entries `from` up to `to` in one batch; putting it together is part of it. */
  readonly batch: (keyAt: At, valueAt: At, from: number, to: number) => Promise<unknown>
  readonly get: (key: Bytes) => Promise<Bytes | undefined>
  readonly getMany: (keys: ReadonlyArray<Bytes>) => Promise<ReadonlyArray<Bytes | undefined>>
  readonly readAll: (reverse: boolean) => Promise<number>
  readonly seek: (key: Bytes, count: number) => Promise<number>
}

export type Call = keyof AsyncCalls

/** The same calls, answering at once. */
export type SyncCalls = {
  readonly [C in Call]: (...args: Parameters<AsyncCalls[C]>) => Awaited<ReturnType<AsyncCalls[C]>>
}

export interface Opened {
  readonly async: Partial<AsyncCalls>
  readonly sync: Partial<SyncCalls>
  /** Brings what was written into the form in which it will be read. */
  readonly compact: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface Peer {
  readonly name: string
  readonly module: string
  /** Whether it works here; throws what keeps it from working. */
  readonly load: () => Promise<unknown>
  readonly open: (directory: string, settings: Settings) => Promise<Opened>
  /** What its calls offer, known without opening it. */
  readonly async: ReadonlyArray<Call>
  readonly sync: ReadonlyArray<Call>
  /** What a write that is acknowledged has, by durability. A level that is absent it does not have apart from its neighbour. */
  readonly promises: Readonly<Partial<Record<Durability, string>>>
}

export const allCalls: ReadonlyArray<Call> = ["put", "delete", "batch", "get", "getMany", "readAll", "seek"]
