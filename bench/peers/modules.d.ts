/**
 * The parts of the peers that are used here, so that types are checked even if the peers are not
 * installed.
 */
declare module "classic-level" {
  export interface Iterator {
    nextv(size: number): Promise<Array<[Uint8Array, Uint8Array]>>
    close(): Promise<void>
  }
  export interface WriteOptions {
    readonly sync: boolean
  }
  export interface Batch {
    put(key: Uint8Array, value: Uint8Array): this
    write(options: WriteOptions): Promise<void>
  }
  export class ClassicLevel {
    constructor(
      location: string,
      options: {
        readonly keyEncoding: "buffer"
        readonly valueEncoding: "buffer"
        readonly compression?: boolean
        readonly cacheSize?: number
        readonly writeBufferSize?: number
      }
    )
    open(): Promise<void>
    close(): Promise<void>
    get(key: Uint8Array): Promise<Uint8Array | undefined>
    getSync(key: Uint8Array): Uint8Array | undefined
    getMany(keys: ReadonlyArray<Uint8Array>): Promise<Array<Uint8Array | undefined>>
    put(key: Uint8Array, value: Uint8Array, options: WriteOptions): Promise<void>
    del(key: Uint8Array, options: WriteOptions): Promise<void>
    batch(): Batch
    iterator(options: {
      readonly highWaterMarkBytes: number
      readonly reverse?: boolean
      readonly gte?: Uint8Array
      readonly limit?: number
    }): Iterator
    compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  }
}

declare module "@nxtedition/rocksdb" {
  export interface Batch {
    _put(key: Uint8Array, value: Uint8Array): void
    _del(key: Uint8Array): void
    _writeSync(options: { readonly sync: boolean }): void
    _clear(): void
  }
  export interface Rows {
    readonly rows: ReadonlyArray<Uint8Array>
    readonly finished: boolean
  }
  export interface Iterator {
    nextv(size: number): Promise<ReadonlyArray<readonly [Uint8Array, Uint8Array]>>
    close(): Promise<void>
    _nextvSync(size: number): Rows
    _closeSync(): void
  }
  export class RocksLevel {
    constructor(
      location: string,
      options: {
        readonly keyEncoding: "buffer"
        readonly valueEncoding: "buffer"
        readonly cacheSize?: number
        readonly compression?: boolean
        readonly walCompression?: boolean
        readonly createIfMissing: boolean
        readonly infoLogLevel: string
        readonly compaction?: "level"
        readonly memtableMemoryBudget?: number
      }
    )
    open(): Promise<void>
    close(): Promise<void>
    get(key: Uint8Array): Promise<Uint8Array>
    getMany(keys: ReadonlyArray<Uint8Array>): Promise<ReadonlyArray<Uint8Array | undefined>>
    put(key: Uint8Array, value: Uint8Array): Promise<void>
    del(key: Uint8Array): Promise<void>
    batch(): Batch
    batch(
      operations: ReadonlyArray<{ readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }>,
      options: { readonly sync: boolean }
    ): Promise<void>
    iterator(options: {
      readonly highWaterMarkBytes: number
      readonly keyEncoding: "buffer"
      readonly valueEncoding: "buffer"
      readonly reverse?: boolean
      readonly gte?: Uint8Array
      readonly limit?: number
    }): Iterator
    getProperty(property: string): string
    _getManySync(keys: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array | undefined>
  }
}

declare module "lmdb" {
  export interface Entry {
    readonly key: Uint8Array
    readonly value: Uint8Array
  }
  export interface RootDatabase {
    getBinary(key: Uint8Array): Uint8Array | undefined
    getBinaryFast(key: Uint8Array): Uint8Array | undefined
    getMany(keys: ReadonlyArray<Uint8Array>): Promise<ReadonlyArray<Uint8Array | undefined>>
    put(key: Uint8Array, value: Uint8Array): Promise<boolean>
    putSync(key: Uint8Array, value: Uint8Array): void
    remove(key: Uint8Array): Promise<boolean>
    removeSync(key: Uint8Array): boolean
    batch(action: () => void): Promise<boolean>
    transactionSync(action: () => void): void
    getRange(options: {
      readonly start?: Uint8Array
      readonly reverse?: boolean
      readonly limit?: number
      readonly snapshot: boolean
    }): Iterable<Entry>
    close(): Promise<void>
  }
  export function open(options: {
    readonly path: string
    readonly encoding: "binary"
    readonly keyEncoding: "binary"
    readonly noSync: boolean
    readonly overlappingSync: boolean
    readonly compression?: boolean
  }): RootDatabase
}

declare module "better-sqlite3" {
  export interface Statement<Row> {
    run(...parameters: ReadonlyArray<unknown>): unknown
    get(...parameters: ReadonlyArray<unknown>): Row | undefined
    all(...parameters: ReadonlyArray<unknown>): ReadonlyArray<Row>
    iterate(...parameters: ReadonlyArray<unknown>): IterableIterator<Row>
    pluck(): this
    raw(): this
  }
  export default class Database {
    constructor(file: string)
    pragma(text: string): unknown
    exec(text: string): void
    prepare<Row = unknown>(text: string): Statement<Row>
    close(): void
  }
}

declare module "@effect/sql-sqlite-node/SqliteClient" {
  import type { SqlClient } from "@effect/sql/SqlClient"
  import type { Layer } from "effect/Layer"

  export const layer: (config: { readonly filename: string }) => Layer<SqlClient, unknown>
}
