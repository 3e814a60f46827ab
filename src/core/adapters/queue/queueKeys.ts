import { decodeFirst } from "../../keys/decodeTuple.js"
import { encodeTuple } from "../../keys/encodeTuple.js"
import { type ByteRange, prefixRange } from "../../keys/prefixRange.js"
import { ForeignValue } from "../foreignValue.js"
import { adapterPrefix } from "../reservations.js"

/**
 * The regions of a queue. They are stored, so none changes its meaning. Only the edition for Effect 4
 * has delayed elements.
 */
export const region = { ready: 0n, ids: 1n, failed: 2n, delayed: 3n } as const

/** The keys of one queue. Elements that can be taken have a sequence number, in the order of their offers. */
export class QueueKeys {
  protected readonly prefix: Uint8Array
  private readonly readyPrefix: Uint8Array

  /** Throws `KeyFailure` for a name with a lone surrogate. */
  constructor(instance: string, queue: string) {
    this.prefix = adapterPrefix("queue", instance, queue)
    this.readyPrefix = encodeTuple([region.ready], this.prefix)
  }

  ready(sequence: number): Uint8Array {
    return encodeTuple([BigInt(sequence)], this.readyPrefix)
  }

  get allReady(): ByteRange {
    return prefixRange([region.ready], this.prefix)
  }

  /** The sequence number in the key of an element. Throws `ForeignValue` for another key. */
  sequenceOf(key: Uint8Array): number {
    const sequence = decodeFirst(key, this.readyPrefix.length)
    if (typeof sequence !== "bigint") throw new ForeignValue("an element has no sequence number")
    return Number(sequence)
  }

  /** Is there if the id was offered. Throws `KeyFailure` for an id with a lone surrogate. */
  id(id: string): Uint8Array {
    return encodeTuple([region.ids, id], this.prefix)
  }

  get allIds(): ByteRange {
    return prefixRange([region.ids], this.prefix)
  }

  /** An element that failed too often. */
  failed(id: string): Uint8Array {
    return encodeTuple([region.failed, id], this.prefix)
  }

  get allFailed(): ByteRange {
    return prefixRange([region.failed], this.prefix)
  }
}
