import { encodeUtf8Into, illFormed, prefixEnd, Utf8Scratch } from "../../core/bytes/bytes.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import { InvalidArgument } from "../../LsmError.js"
import type { Data } from "./formats.js"

/** The limits of a range, as abstract-level passes them. */
export interface Limits {
  readonly gt?: Data | undefined
  readonly gte?: Data | undefined
  readonly lt?: Data | undefined
  readonly lte?: Data | undefined
}

/** The bytes with which all keys of a database begin in its store, if it shares the store. */
export class KeyPrefix {
  readonly length: number
  /** The first key behind all keys of the database. */
  private readonly behind: Uint8Array | undefined
  private readonly text = new Utf8Scratch()
  private scratch = new Uint8Array(256)

  constructor(private readonly bytes: Uint8Array) {
    this.length = bytes.length
    this.behind = prefixEnd(bytes)
  }

  /** A key of the store. The bytes are good until the next call. */
  add(key: Data): Data {
    if (this.length === 0) return key
    const most = this.length + (typeof key === "string" ? key.length * 3 : key.length)
    if (most > this.scratch.length) this.scratch = new Uint8Array(most * 2)
    const { bytes, scratch } = this
    scratch.set(bytes)
    if (typeof key !== "string") {
      scratch.set(key, this.length)
      return scratch.subarray(0, most)
    }
    const length = encodeUtf8Into(key, scratch, this.length)
    if (length === illFormed) throw illFormedKey()
    return scratch.subarray(0, this.length + length)
  }

  /** The keys of the store within limits, or all. */
  range({ gt, gte, lt, lte }: Limits): KeyRange {
    const from = gte !== undefined ? this.bound(gte) : gt !== undefined ? successor(this.bound(gt)) : this.bytes
    const to = lte !== undefined ? successor(this.bound(lte)) : lt !== undefined ? this.bound(lt) : this.behind
    return { start: from.length === 0 ? undefined : from, end: to }
  }

  /** A copy of a key of the store. */
  bound(key: Data): Uint8Array {
    if (this.length > 0) return (this.add(key) as Uint8Array).slice()
    if (typeof key !== "string") return new Uint8Array(key)
    const encoded = this.text.encode(key)
    if (encoded === undefined) throw illFormedKey()
    return encoded.slice()
  }
}

/** The first key behind a key. */
export const successor = (key: Uint8Array): Uint8Array => {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

const illFormedKey = (): InvalidArgument =>
  new InvalidArgument({ argument: "key", reason: "is a string with a lone surrogate, which has no UTF-8" })
