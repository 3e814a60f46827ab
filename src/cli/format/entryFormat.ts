import type * as Either from "effect/Either"
import type { Entry } from "../../Store.js"

/** What a line of input asks for: a put, or a delete where there is no value. */
export interface Operation {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** How entries are written as lines, and read from them. */
export interface EntryFormat {
  /** A line without its end; undefined if the format cannot hold the bytes in this encoding. */
  readonly renderKey: (key: Uint8Array) => string | undefined
  /** A line without its end; undefined if the format cannot hold the bytes in this encoding. */
  readonly renderEntry: (entry: Entry) => string | undefined
  /** What a line asks for, or what is wrong with it. */
  readonly parse: (line: Uint8Array) => Either.Either<Operation, string>
}
