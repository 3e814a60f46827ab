import { absent, put, remove, type Write } from "../write.js"
import type { QueueKeys } from "./queueKeys.js"
import { type QueueRecord, toRecordBytes } from "./queueRecord.js"

const nothing = new Uint8Array(0)

/** An element is offered. Not if its id was, and is remembered. */
export const offer = (keys: QueueKeys, record: QueueRecord, at: Uint8Array, bytes: Uint8Array): Array<Write> => {
  if (!record.isCustomId) return [put(at, bytes)]
  const id = keys.id(record.id)
  return [absent(id), put(id, nothing), put(at, bytes)]
}

/** An element was processed. Its id stays as it is, or is remembered as `id`. */
export const complete = (at: Uint8Array, id?: Write): Array<Write> =>
  id === undefined ? [remove(at)] : [remove(at), id]

/** The id of a record is remembered for so many milliseconds. Undefined if it is not remembered at all. */
export const rememberFor = (keys: QueueKeys, record: QueueRecord, millis: number): Write | undefined =>
  record.isCustomId ? put(keys.id(record.id), nothing, millis) : undefined

/** An element goes to another place. */
export const move = (from: Uint8Array, to: Uint8Array, record: QueueRecord): Array<Write> => [
  remove(from),
  put(to, toRecordBytes(record))
]

/** An element is not tried any more. It is kept among those that failed. */
export const bury = (keys: QueueKeys, record: QueueRecord, at: Uint8Array): Array<Write> =>
  move(at, keys.failed(record.id), record)
