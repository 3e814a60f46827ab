/** As much of classic-level as is used here, so that the types are checked where it is not installed. */
declare module "classic-level" {
  export interface Options {
    readonly keyEncoding: "buffer"
    readonly valueEncoding: "buffer"
    readonly compression: boolean
    readonly cacheSize: number
    readonly writeBufferSize: number
  }
  export interface Iterator {
    nextv(size: number): Promise<Array<[Uint8Array, Uint8Array]>>
    close(): Promise<void>
  }
  export class ClassicLevel {
    constructor(location: string, options: Options)
    open(): Promise<void>
    close(): Promise<void>
    get(key: Uint8Array): Promise<Uint8Array | undefined>
    getSync(key: Uint8Array): Uint8Array | undefined
    put(key: Uint8Array, value: Uint8Array): Promise<void>
    batch(operations: Array<{ type: "put"; key: Uint8Array; value: Uint8Array }>): Promise<void>
    iterator(options: { readonly highWaterMarkBytes: number }): Iterator
    compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  }
}
