import { decodeFirst } from "../../keys/decodeTuple.js"
import { encodeTuple } from "../../keys/encodeTuple.js"
import { type ByteRange, prefixRange } from "../../keys/prefixRange.js"
import { ForeignValue } from "../foreignValue.js"
import { adapterPrefix, adapterRange } from "../reservations.js"

/** The regions of a journal. They are stored, so none changes its meaning. */
const region = { entries: 0n, insertions: 1n, subjects: 2n, uploaded: 3n, next: 4n } as const

/** What an entry is about: entries that have the same event and primary key may conflict. */
export interface Subject {
  readonly event: string
  readonly primaryKey: string
}

/** The keys of one journal. Throws `KeyFailure` for a text with a lone surrogate. */
export class JournalKeys {
  private readonly prefix: Uint8Array
  private readonly entriesPrefix: Uint8Array
  readonly all: ByteRange
  /** In the order of their ids. */
  readonly allEntries: ByteRange
  /** In the order in which they were written. */
  readonly allInsertions: ByteRange

  constructor(instance: string) {
    this.prefix = adapterPrefix("journal", instance)
    this.all = adapterRange("journal", instance)
    this.entriesPrefix = encodeTuple([region.entries], this.prefix)
    this.allEntries = prefixRange([region.entries], this.prefix)
    this.allInsertions = prefixRange([region.insertions], this.prefix)
  }

  entry(id: Uint8Array): Uint8Array {
    return encodeTuple([id], this.entriesPrefix)
  }

  idOfEntry(key: Uint8Array): Uint8Array {
    return bytesAt(key, this.entriesPrefix.length)
  }

  /** The place of an entry in the order in which entries were written, from 1 on. */
  insertion(place: number): Uint8Array {
    return encodeTuple([region.insertions, BigInt(place)], this.prefix)
  }

  placeOfInsertion(key: Uint8Array): number {
    const place = decodeFirst(key, encodeTuple([region.insertions], this.prefix).length)
    if (typeof place !== "bigint") throw new ForeignValue("an entry has no place")
    return Number(place)
  }

  /** Finds an entry by its subject. */
  subject({ event, primaryKey }: Subject, id: Uint8Array): Uint8Array {
    return encodeTuple([region.subjects, event, primaryKey, id], this.prefix)
  }

  /** The entries of a subject whose ids are greater than this one. */
  subjectAfter({ event, primaryKey }: Subject, id: Uint8Array): ByteRange {
    const subject = [region.subjects, event, primaryKey] as const
    const { end } = prefixRange(subject, this.prefix)
    return { start: prefixRange([...subject, id], this.prefix).end, end }
  }

  idOfSubject({ event, primaryKey }: Subject, key: Uint8Array): Uint8Array {
    return bytesAt(key, encodeTuple([region.subjects, event, primaryKey], this.prefix).length)
  }

  /** Holds the place up to which a remote has the entries. */
  uploaded(remoteId: Uint8Array): Uint8Array {
    return encodeTuple([region.uploaded, remoteId], this.prefix)
  }

  /** Holds the first sequence number of a remote that was not seen. */
  next(remoteId: Uint8Array): Uint8Array {
    return encodeTuple([region.next, remoteId], this.prefix)
  }
}

const bytesAt = (key: Uint8Array, start: number): Uint8Array => {
  const id = decodeFirst(key, start)
  if (!(id instanceof Uint8Array)) throw new ForeignValue("an entry has no id")
  return id
}
