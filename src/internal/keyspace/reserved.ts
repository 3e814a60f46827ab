import type { KeyTuple } from "../../core/keys/element.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import { type ByteRange, prefixRange } from "../../core/keys/prefixRange.js"
import { reservedByte } from "../../core/keys/reservedByte.js"

/**
 * Ids are given from 1 on. Id 0 is the directory. Behind the reserved byte, keyspaces have bigints and
 * adapters have strings: see core/adapters/reservations.ts.
 */
const directoryId = 0n

/** The bytes with which the keys of a keyspace begin. No id's bytes begin those of another. */
export const keyspacePrefix = (id: bigint): Uint8Array => encodeTuple([id], reservedByte)

const directoryKey = (...rest: KeyTuple): Uint8Array => encodeTuple([directoryId, ...rest], reservedByte)

/** The entries of the directory, which docs/internals/key-encoding.md describes. */
export const nameKey = (name: string): Uint8Array => directoryKey(0n, name)
export const namesPrefix = directoryKey(0n)
export const nextIdKey = directoryKey(1n)
/** Whether an index is ready, and how far its building is. */
export const indexKey = (id: bigint): Uint8Array => directoryKey(3n, id)

/** The version of a keyspace's values. A keyspace without migrations has none. */
export const versionKey = (id: bigint): Uint8Array => directoryKey(5n, id)

/** The entry that gives an index of a keyspace its id. */
export const indexNameKey = (keyspace: string, index: string): Uint8Array => directoryKey(4n, keyspace, index)

/** The entries of all indexes of a keyspace. */
export const indexNames = (keyspace: string): ByteRange => prefixRange([directoryId, 4n, keyspace], reservedByte)

/** The keys of all keyspaces, without the directory. */
export const allRows = { start: Uint8Array.of(0xff, 0x15), end: Uint8Array.of(0xff, 0x20) }

/** The length of `reservedByte`, behind which keys are tuples. */
export const reservedLength = reservedByte.length
