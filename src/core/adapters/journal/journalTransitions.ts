import { encodeUtf8 } from "../../bytes/bytes.js"
import { put, type Write } from "../write.js"
import { idText } from "./entryIds.js"
import type { JournalKeys } from "./journalKeys.js"
import { type JournalRecord, toInsertionBytes, toRecordBytes } from "./journalRecords.js"

const nothing = new Uint8Array(0)

/** Entries are written from the place `first` on. `source` is the remote that they came from. */
export const insert = (
  keys: JournalKeys,
  records: ReadonlyArray<JournalRecord>,
  first: number,
  source?: Uint8Array
): Array<Write> =>
  records.flatMap((record, i) => [
    put(keys.entry(record.id), toRecordBytes(record)),
    put(keys.insertion(first + i), toInsertionBytes({ id: record.id, source })),
    put(keys.subject(record, record.id), nothing)
  ])

/** A number as it is stored. */
export const countBytes = (count: number): Uint8Array => encodeUtf8(String(count))!

/** An entry from a remote, and its number there. */
export interface RemoteRecord<Entry extends JournalRecord> {
  readonly remoteSequence: number
  readonly entry: Entry
}

/** The first number of a remote that is after all of these, and not before `next`. */
export const nextAfter = (received: ReadonlyArray<RemoteRecord<JournalRecord>>, next: number): number =>
  received.reduce((latest, { remoteSequence }) => Math.max(latest, remoteSequence + 1), next)

/** The first of each id, in their order. */
export const withoutRepetitions = <Entry extends JournalRecord, Received extends RemoteRecord<Entry>>(
  received: ReadonlyArray<Received>
): Array<Received> => {
  const seen = new Set<string>()
  return received.filter(({ entry }) => {
    const text = idText(entry.id)
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
}
