import { compare } from "../../core/bytes/bytes.js"
import { afterAll } from "../../core/keys/prefixRange.js"
import type { RowCodec } from "./rowCodec.js"
import type { RowRange } from "./rowModels.js"

/** Bounds in the keys of the store. */
export interface StoreRange {
  readonly start: Uint8Array
  readonly end: Uint8Array
}

/** The range of a keyspace in the keys of the store. Never more than the keyspace. @throws EncodeFailed */
export const storeRange = <K, V>(
  codec: RowCodec<K, V>,
  prefix: Uint8Array,
  range: RowRange<K> | undefined
): StoreRange => {
  const first = range?.prefix === undefined ? prefix : codec.boundBytes(range.prefix, prefix)
  const whole = { start: first, end: afterAll(first) }
  if (range?.start === undefined && range?.end === undefined) return whole
  const start = range.start === undefined ? undefined : codec.boundBytes(range.start, prefix)
  const end = range.end === undefined ? undefined : codec.boundBytes(range.end, prefix)
  return { start: later(whole.start, start), end: earlier(whole.end, end) }
}

/** The rest of a range after a key, in the direction in which it is read. */
export const restAfter = ({ end, start }: StoreRange, key: Uint8Array, reverse: boolean): StoreRange => {
  if (reverse) return { start, end: earlier(end, key) }
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return { start: later(start, next), end }
}

const later = (a: Uint8Array, b: Uint8Array | undefined): Uint8Array => (b === undefined || compare(a, b) > 0 ? a : b)
const earlier = (a: Uint8Array, b: Uint8Array | undefined): Uint8Array => (b === undefined || compare(a, b) < 0 ? a : b)
