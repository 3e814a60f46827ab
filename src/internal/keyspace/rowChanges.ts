import * as Stream from "effect/Stream"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { Change, ChangesOptions, FeedError, Operation, OrderedStoreService } from "../../OrderedStore.js"
import { attemptSync } from "./attempt.js"
import type { RowCodec } from "./rowCodec.js"

/**
 * Options of `changes` of a keyspace.
 *
 * @since 3.1.0
 * @category models
 */
export type RowChangesOptions = Pick<ChangesOptions, "from">

/**
 * What a write did to the rows of a keyspace. A `DeleteRange` has the bytes of keys, which `keyOf`
 * returns; it covers all rows when the keyspace is dropped.
 *
 * @since 3.1.0
 * @category models
 */
export type RowOperation<K, V> =
  | {
      readonly _tag: "Put"
      readonly key: K
      readonly value: V
      readonly version: number
      readonly expiresAt?: number
    }
  | { readonly _tag: "Delete"; readonly key: K; readonly version: number }
  | Extract<Operation, { readonly _tag: "DeleteRange" }>

/**
 * One write, as far as it is about the rows of a keyspace. `position` is the place in the feed after it:
 * keep it to go on from there.
 *
 * @since 3.1.0
 * @category models
 */
export interface RowChange<K, V> {
  readonly position: string
  readonly operations: ReadonlyArray<RowOperation<K, V>>
}

/** See `OpenKeyspace.changes`. */
export const changesOf = <K, V>(
  store: OrderedStoreService,
  codec: RowCodec<K, V>,
  prefix: Uint8Array,
  options: RowChangesOptions | undefined
): Stream.Stream<RowChange<K, V>, FeedError | KeyspaceError> => {
  const { length } = prefix
  const decode = (operation: Operation): RowOperation<K, V> => {
    if (operation._tag === "Put") return { ...operation, ...codec.row(operation, length) }
    if (operation._tag === "Delete") return { ...operation, key: codec.key(operation.key, length) }
    return operation
  }
  return Stream.mapEffect(store.changes({ from: options?.from, prefix }), ({ operations, position }: Change) =>
    attemptSync(() => ({ position, operations: operations.map(decode) }))
  )
}
