import { decodeTuple } from "../../keys/decodeTuple.js"
import { encodeTuple } from "../../keys/encodeTuple.js"
import { type ByteRange, prefixRange } from "../../keys/prefixRange.js"
import { ForeignValue } from "../foreignValue.js"
import { QueueKeys, region } from "./queueKeys.js"

/** The keys of a queue with elements that are delayed: these are in the order of their times. */
export class DelayedKeys extends QueueKeys {
  /** `place` orders elements of one time. Times are in milliseconds since 1970. */
  delayed(dueAt: number, place: number, id: string): Uint8Array {
    return encodeTuple([region.delayed, BigInt(Math.ceil(dueAt)), BigInt(place), id], this.prefix)
  }

  get allDelayed(): ByteRange {
    return prefixRange([region.delayed], this.prefix)
  }

  /** The time in the key of a delayed element. Throws `ForeignValue` for another key. */
  dueAtOf(key: Uint8Array): number {
    const [, dueAt] = decodeTuple(key, this.prefix.length)
    if (typeof dueAt !== "bigint") throw new ForeignValue("a delayed element has no time")
    return Number(dueAt)
  }
}
