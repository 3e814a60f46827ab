import type { ClusterKeys } from "./clusterKeys.js"
import type { Head, Order, Pending, Signal, StoredEnvelope, StoredReply } from "./mailboxModels.js"
import { RefusedChange, type Write } from "./writes.js"

// What each event writes. The rules are those of the cluster's mailboxes on SQL, with two differences:
// what was said about a request is deleted when the request has ended, and clearing the replies of a
// request clears its chunks too, as the mailboxes in memory do.

const json = (value: unknown): string => JSON.stringify(value)

export const ownId = (envelope: StoredEnvelope): string =>
  envelope._tag === "Request" ? envelope.requestId : envelope.id

const pendingEntry = (
  keys: ClusterKeys,
  { address, requestId }: StoredEnvelope,
  id: string,
  order: Order,
  deliverAt: number | null
): Write => {
  const entry: Pending = { requestId, id, address, deliverAt }
  return { put: keys.pending(order), value: json(entry) }
}

const putHead = (keys: ClusterKeys, requestId: string, head: Head): Write => ({
  put: keys.head(requestId),
  value: json(head)
})

/** The writes that remove what was said about a request. */
const withoutSignals = (keys: ClusterKeys, signals: Head["signals"]): Array<Write> =>
  signals.flatMap(({ id, order }) => [{ delete: keys.pending(order) }, { delete: keys.envelope(id) }])

/** A request is saved that was not there. */
export const saveRequest = (
  keys: ClusterKeys,
  envelope: StoredEnvelope,
  primaryKey: string | null,
  deliverAt: number | null,
  order: Order
): Array<Write> => {
  const { address, requestId } = envelope
  const head: Head = {
    order,
    address,
    primaryKey,
    deliverAt,
    unacknowledged: [],
    acknowledged: null,
    exit: null,
    signals: []
  }
  const writes = [
    putHead(keys, requestId, head),
    { put: keys.envelope(requestId), value: json(envelope) },
    { put: keys.addressed(address.entityType, address.entityId, requestId), value: "" },
    pendingEntry(keys, envelope, requestId, order, deliverAt)
  ]
  if (primaryKey !== null) writes.push({ put: keys.primaryKey(primaryKey), value: requestId })
  return writes
}

/**
 * A chunk is acknowledged, or a request interrupted. Of acknowledgements only the last one waits to be
 * read. Nothing is to be said about a request that has ended.
 */
export const saveSignal = (keys: ClusterKeys, head: Head, signal: Signal, order: Order): Array<Write> => {
  if (head.exit !== null || head.signals.some(({ id }) => id === signal.id)) return []
  const isAck = signal._tag === "AckChunk"
  const superseded = isAck ? head.signals.filter((other) => other.isAck) : []
  const chunk = isAck ? head.unacknowledged.find(({ id }) => id === signal.replyId) : undefined
  const next: Head = {
    ...head,
    signals: [...head.signals.filter((other) => !superseded.includes(other)), { id: signal.id, isAck, order }],
    unacknowledged: head.unacknowledged.filter((other) => other !== chunk),
    acknowledged: chunk ?? head.acknowledged
  }
  return [
    ...withoutSignals(keys, superseded),
    putHead(keys, signal.requestId, next),
    { put: keys.envelope(signal.id), value: json(signal) },
    pendingEntry(keys, signal, signal.id, order, null)
  ]
}

/** The state after a reply. Saving the same reply again changes nothing. */
const headAfter = (head: Head, reply: StoredReply): Head => {
  if (reply._tag === "WithExit") {
    if (head.exit !== null && head.exit !== reply.id)
      throw new RefusedChange(`request ${reply.requestId} has its exit, which is reply ${head.exit}`)
    return head.exit === reply.id ? head : { ...head, exit: reply.id, signals: [] }
  }
  const { id, sequence } = reply
  const known = [...head.unacknowledged, ...(head.acknowledged === null ? [] : [head.acknowledged])]
  const other = known.find((chunk) => chunk.sequence === sequence)
  if (other?.id === id) return head
  if (other !== undefined || sequence < (head.acknowledged?.sequence ?? -1))
    throw new RefusedChange(`request ${reply.requestId} has another chunk with the sequence ${sequence}`)
  return { ...head, unacknowledged: [...head.unacknowledged, { id, sequence }] }
}

/** A reply is saved. The exit ends the request, and with it what was said about it. Returns the state after it too. */
export const saveReply = (keys: ClusterKeys, head: Head, reply: StoredReply): readonly [Array<Write>, Head] => {
  const next = headAfter(head, reply)
  if (next === head) return [[], head]
  const { requestId } = reply
  const writes: Array<Write> =
    reply._tag === "Chunk"
      ? [{ put: keys.chunk(requestId, reply.sequence), value: json(reply) }]
      : [
          ...withoutSignals(keys, head.signals),
          { delete: keys.pending(head.order) },
          { put: keys.exit(requestId), value: json(reply) }
        ]
  return [[...writes, putHead(keys, requestId, next)], next]
}

/**
 * The replies to a request are cleared, so that it waits to be read again, in its old place. With
 * `expected`, only if that is the id of its last reply.
 */
export const clearReplies = (keys: ClusterKeys, requestId: string, head: Head, expected?: string): Array<Write> => {
  if (expected !== undefined && lastReply(head)?.id !== expected) return []
  const { address, deliverAt, order, signals } = head
  const next: Head = { ...head, unacknowledged: [], acknowledged: null, exit: null, signals: [] }
  return [
    ...withoutReplies(keys, requestId, head),
    ...withoutSignals(keys, signals),
    putHead(keys, requestId, next),
    pendingEntry(keys, { _tag: "Request", requestId, address }, requestId, order, deliverAt)
  ]
}

/** Most requests have no chunks. Then no range has to be deleted. */
const withoutReplies = (keys: ClusterKeys, requestId: string, head: Head): Array<Write> =>
  head.acknowledged !== null || head.unacknowledged.length > 0
    ? [{ deleteRange: keys.replies(requestId) }]
    : [{ delete: keys.exit(requestId) }]

/** A request is forgotten. */
export const removeRequest = (keys: ClusterKeys, requestId: string, head: Head): Array<Write> => {
  const { address, order, primaryKey, signals } = head
  const writes: Array<Write> = [
    ...withoutReplies(keys, requestId, head),
    ...withoutSignals(keys, signals),
    { delete: keys.pending(order) },
    { delete: keys.head(requestId) },
    { delete: keys.envelope(requestId) },
    { delete: keys.addressed(address.entityType, address.entityId, requestId) }
  ]
  if (primaryKey !== null) writes.push({ delete: keys.primaryKey(primaryKey) })
  return writes
}

/** The last reply that was sent: its id, and its sequence if it is a chunk. */
export const lastReply = (head: Head): { readonly id: string; readonly sequence?: number } | undefined =>
  head.exit !== null ? { id: head.exit } : (head.unacknowledged.at(-1) ?? head.acknowledged ?? undefined)

/** Whether a message about a request is to be read: the request goes on, and no chunk waits for its acknowledgement. */
export const isReadable = (head: Head, requestId: string, id: string): boolean =>
  head.exit === null &&
  head.unacknowledged.length === 0 &&
  (id === requestId || head.signals.some((signal) => signal.id === id))
