import type { ReadOptions } from "../../OrderedStore.js"

type Leading<T extends ReadonlyArray<unknown>> = number extends T["length"]
  ? T
  : T extends readonly [...infer Init, unknown]
    ? T | Leading<Readonly<Init>>
    : T

/**
 * The beginning of a key: the first elements of a tuple, or the first fields of a struct. There is
 * none for other keys.
 *
 * @since 3.1.0
 * @category models
 */
export type Prefix<K> = K extends string | number | bigint | boolean | null | undefined | Date | Uint8Array
  ? never
  : K extends ReadonlyArray<unknown>
    ? Leading<K>
    : { readonly [F in keyof K]?: K[F] | undefined }

/**
 * A key with its value.
 *
 * @since 3.1.0
 * @category models
 */
export interface Row<K, V> {
  readonly key: K
  readonly value: V
}

/**
 * A range of a keyspace: from `start` (inclusive) to `end` (exclusive), and only the keys that begin
 * with `prefix`. `start` and `end` are keys or the beginnings of keys. A bound that is missing does
 * not limit the range.
 *
 * @since 3.1.0
 * @category models
 */
export interface RowRange<K> {
  readonly start?: K | Prefix<K> | undefined
  readonly end?: K | Prefix<K> | undefined
  readonly prefix?: Prefix<K> | undefined
}

/**
 * Options of `collect`.
 *
 * @since 3.1.0
 * @category models
 */
export interface CollectRowsOptions<K> extends RowRange<K>, ReadOptions {
  /** Return rows from the last key to the first. Default false. */
  readonly reverse?: boolean | undefined
  /** Return at most this many rows. Default: all. */
  readonly limit?: number | undefined
}

/**
 * Options of `scan`.
 *
 * @since 3.1.0
 * @category models
 */
export interface ScanRowsOptions<K> extends CollectRowsOptions<K> {
  /** Most rows in a chunk of the Stream, from 1 to 65,536. A chunk also ends at 1 MiB. Default 1,024. */
  readonly chunkSize?: number | undefined
}
