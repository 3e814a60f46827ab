/**
 * A place in the order in which messages were saved: how often the mailboxes had been opened, and how
 * many messages had been saved since. Ids do not have that order, because their time is that of their
 * senders.
 */
export type Order = readonly [epoch: number, place: number]

export interface Address {
  readonly shardId: { readonly group: string; readonly id: number }
  readonly entityType: string
  readonly entityId: string
}

/** An envelope as the cluster encodes it, as far as mailboxes look into it. */
export type StoredEnvelope =
  | { readonly _tag: "Request"; readonly requestId: string; readonly address: Address }
  | {
      readonly _tag: "AckChunk"
      readonly id: string
      readonly requestId: string
      readonly replyId: string
      readonly address: Address
    }
  | { readonly _tag: "Interrupt"; readonly id: string; readonly requestId: string; readonly address: Address }

/** What is said about a request that is there: acknowledgements and interruptions. */
export type Signal = Exclude<StoredEnvelope, { readonly _tag: "Request" }>

/** A reply as the cluster encodes it, as far as mailboxes look into it. */
export type StoredReply =
  | { readonly _tag: "WithExit"; readonly id: string; readonly requestId: string }
  | { readonly _tag: "Chunk"; readonly id: string; readonly requestId: string; readonly sequence: number }

export interface SentChunk {
  readonly id: string
  readonly sequence: number
}

/**
 * The state of a request. Every change of it, or of what belongs to it, writes the head anew, so a
 * check of the head's version is a check of them all.
 */
export interface Head {
  readonly order: Order
  readonly address: Address
  readonly primaryKey: string | null
  /** Not to be read before, in milliseconds since 1970. */
  readonly deliverAt: number | null
  readonly unacknowledged: ReadonlyArray<SentChunk>
  /** The last chunk that was acknowledged. */
  readonly acknowledged: SentChunk | null
  /** The id of the reply that ends the request. */
  readonly exit: string | null
  /** What was said about the request and waits to be read. */
  readonly signals: ReadonlyArray<{ readonly id: string; readonly isAck: boolean; readonly order: Order }>
}

/** An entry of what waits to be read. It says enough to choose without reading more. */
export interface Pending {
  readonly requestId: string
  /** The id of the envelope. */
  readonly id: string
  readonly address: Address
  readonly deliverAt: number | null
}

export const shardText = ({ shardId }: Address): string => `${shardId.group}:${shardId.id}`

export const isSameAddress = (a: Address, b: Address): boolean =>
  a.entityId === b.entityId && a.entityType === b.entityType && shardText(a) === shardText(b)
