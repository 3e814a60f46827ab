import type { KeyTuple } from "../keys/element.js"
import { encodeTuple } from "../keys/encodeTuple.js"
import { type ByteRange, prefixRange } from "../keys/prefixRange.js"
import { reservedByte } from "../keys/reservedByte.js"

/**
 * The namespaces of adapters: the first element of their keys, a string. The keys of keyspaces have a
 * bigint there. They are stored, so none changes its meaning.
 */
export type Adapter = "cluster" | "journal" | "kv" | "level" | "persistence" | "queue" | "rate"

/** The bytes with which the keys of an instance of an adapter begin. `parts` begins with its name. */
export const adapterPrefix = (adapter: Adapter, ...parts: KeyTuple): Uint8Array =>
  encodeTuple([adapter, ...parts], reservedByte)

/** The range of these keys. Not that of the prefix, which may also begin those of another name. */
export const adapterRange = (adapter: Adapter, ...parts: KeyTuple): ByteRange =>
  prefixRange([adapter, ...parts], reservedByte)

/** The most bytes that a name of an instance may have. */
export const longestName = 1024
