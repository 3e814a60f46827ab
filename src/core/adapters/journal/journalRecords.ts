import { decodeUtf8, encodeUtf8, viewOf } from "../../bytes/bytes.js"
import { decodeTuple } from "../../keys/decodeTuple.js"
import { encodeTuple } from "../../keys/encodeTuple.js"
import { KeyFailure } from "../../keys/keyFailure.js"
import { ForeignValue } from "../foreignValue.js"
import type { Subject } from "./journalKeys.js"

/** An entry of a journal. */
export interface JournalRecord extends Subject {
  readonly id: Uint8Array
  readonly payload: Uint8Array
}

/** The lengths of the event and of the primary key, four bytes each. */
const headLength = 8

/**
 * The value of an entry, without its id: the lengths of the two texts, the event and the primary key in
 * UTF-8, and the payload. Throws `KeyFailure` for a text with a lone surrogate.
 */
export const toRecordBytes = ({ event, payload, primaryKey }: Omit<JournalRecord, "id">): Uint8Array => {
  const [first, second] = [encodeUtf8(event), encodeUtf8(primaryKey)]
  if (first === undefined || second === undefined) throw new KeyFailure("a string has a lone surrogate")
  const bytes = new Uint8Array(headLength + first.length + second.length + payload.length)
  const view = viewOf(bytes)
  view.setUint32(0, first.length)
  view.setUint32(4, second.length)
  bytes.set(first, headLength)
  bytes.set(second, headLength + first.length)
  bytes.set(payload, headLength + first.length + second.length)
  return bytes
}

/** The entry of these bytes. Throws `ForeignValue` for others. */
export const fromRecordBytes = (id: Uint8Array, bytes: Uint8Array): JournalRecord => {
  if (bytes.length < headLength) throw new ForeignValue("an entry is cut off")
  const view = viewOf(bytes)
  const textEnd = headLength + view.getUint32(0)
  const payloadStart = textEnd + view.getUint32(4)
  if (payloadStart > bytes.length) throw new ForeignValue("an entry is cut off")
  return {
    id,
    event: decodeUtf8(bytes.subarray(headLength, textEnd)),
    primaryKey: decodeUtf8(bytes.subarray(textEnd, payloadStart)),
    payload: bytes.slice(payloadStart)
  }
}

/** The entry that was written at a place, and the remote that it came from: undefined if it is of this journal. */
export interface Insertion {
  readonly id: Uint8Array
  readonly source: Uint8Array | undefined
}

export const toInsertionBytes = ({ id, source }: Insertion): Uint8Array =>
  encodeTuple(source === undefined ? [id] : [id, source])

/** Throws `ForeignValue` for other bytes. */
export const fromInsertionBytes = (bytes: Uint8Array): Insertion => {
  const [id, source] = tupleOf(bytes)
  if (!(id instanceof Uint8Array)) throw new ForeignValue("a place holds no id")
  return { id, source: source instanceof Uint8Array ? source : undefined }
}

const tupleOf = (bytes: Uint8Array) => {
  try {
    return decodeTuple(bytes)
  } catch (failure) {
    if (failure instanceof KeyFailure) throw new ForeignValue(failure.reason)
    throw failure
  }
}

/** A number of entries, as text. Throws `ForeignValue` for other bytes. */
export const toCount = (bytes: Uint8Array | undefined): number => {
  if (bytes === undefined) return 0
  const count = Number(decodeUtf8(bytes))
  if (!Number.isSafeInteger(count)) throw new ForeignValue("a count is no number")
  return count
}
