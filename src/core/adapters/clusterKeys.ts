import type { KeyTuple } from "../keys/element.js"
import type { ByteRange } from "../keys/prefixRange.js"
import type { Order } from "./mailboxModels.js"
import { adapterPrefix, adapterRange } from "./reservations.js"

/** Parts of a cluster's keys. They are stored, so none changes its meaning. */
const part = { epoch: 0n, head: 1n, envelope: 2n, reply: 3n, pending: 4n, primaryKey: 5n, address: 6n, machines: 7n }

const replyKind = { chunk: 0n, exit: 1n }

/** The keys of one cluster, which `name` keeps apart from others in the same store. */
export class ClusterKeys {
  /** How often the mailboxes were opened. */
  readonly epoch: Uint8Array
  /** The ids of machines by their addresses. */
  readonly machines: Uint8Array
  /** What waits to be read, in the order in which it was saved. */
  readonly allPending: ByteRange

  constructor(private readonly name: string) {
    this.epoch = this.key(part.epoch)
    this.machines = this.key(part.machines)
    this.allPending = this.range(part.pending)
  }

  /** The state of a request. */
  head(requestId: string): Uint8Array {
    return this.key(part.head, BigInt(requestId))
  }

  /** The envelope with this id of its own. That of a request is the id of the request. */
  envelope(id: string): Uint8Array {
    return this.key(part.envelope, BigInt(id))
  }

  chunk(requestId: string, sequence: number): Uint8Array {
    return this.key(part.reply, BigInt(requestId), replyKind.chunk, BigInt(sequence))
  }

  exit(requestId: string): Uint8Array {
    return this.key(part.reply, BigInt(requestId), replyKind.exit)
  }

  /** All replies to a request: its chunks by their sequence, then its exit. */
  replies(requestId: string): ByteRange {
    return this.range(part.reply, BigInt(requestId))
  }

  pending([epoch, place]: Order): Uint8Array {
    return this.key(part.pending, BigInt(epoch), BigInt(place))
  }

  primaryKey(text: string): Uint8Array {
    return this.key(part.primaryKey, text)
  }

  /** The entry that finds a request by the address of its entity. */
  addressed(entityType: string, entityId: string, requestId: string): Uint8Array {
    return this.key(part.address, entityType, entityId, BigInt(requestId))
  }

  allAddressed(entityType: string, entityId: string): ByteRange {
    return this.range(part.address, entityType, entityId)
  }

  private key(...rest: KeyTuple): Uint8Array {
    return adapterPrefix("cluster", this.name, ...rest)
  }

  private range(...rest: KeyTuple): ByteRange {
    return adapterRange("cluster", this.name, ...rest)
  }
}
