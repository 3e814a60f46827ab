import { type Address, isSameAddress, type Pending, shardText } from "./mailboxModels.js"

/** For how long a message that was read is not read again, in milliseconds. The cluster's mailboxes on SQL have the same. */
const lifetime = 600_000

/**
 * The messages that were read and wait for their replies. Claims are in memory only: the process that
 * reads has the store for itself, so when it is gone, so are its claims.
 */
export class Claims {
  /** By request, then when each of its messages was read. */
  private readonly byRequest = new Map<string, { address: Address; at: Map<string, number> }>()

  /** Claims a message, and returns whether no one else has. */
  take({ address, id, requestId }: Pending, now: number): boolean {
    let claims = this.byRequest.get(requestId)
    if (claims === undefined) {
      claims = { address, at: new Map() }
      this.byRequest.set(requestId, claims)
    }
    const at = claims.at.get(id)
    if (at !== undefined && at > now - lifetime) return false
    claims.at.set(id, now)
    return true
  }

  release({ id, requestId }: Pending): void {
    const claims = this.byRequest.get(requestId)
    if (claims?.at.delete(id) && claims.at.size === 0) this.byRequest.delete(requestId)
  }

  releaseRequest(requestId: string): void {
    this.byRequest.delete(requestId)
  }

  releaseShards(shards: ReadonlyArray<string>): void {
    const all = new Set(shards)
    this.releaseWhere((address) => all.has(shardText(address)))
  }

  releaseAddresses(addresses: ReadonlyArray<Address>): void {
    this.releaseWhere((address) => addresses.some((other) => isSameAddress(address, other)))
  }

  private releaseWhere(isReleased: (address: Address) => boolean): void {
    for (const [requestId, { address }] of this.byRequest) if (isReleased(address)) this.byRequest.delete(requestId)
  }
}
