import type * as Either from "effect/Either"
import type { Entry } from "../../Store.js"

/** The operation of an input line: a put, or a delete if `value` is undefined. */
export interface Operation {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Writes entries as lines, and reads operations from lines. */
export interface EntryFormat {
  /**
   * Returns a line without its line end; undefined if the format cannot show these bytes in this
   * encoding.
   */
  readonly renderKey: (key: Uint8Array) => string | undefined
  /**
   * Returns a line without its line end; undefined if the format cannot show these bytes in this
   * encoding.
   */
  readonly renderEntry: (entry: Entry) => string | undefined
  /** Returns the operation of a line, or an error message. */
  readonly parse: (line: Uint8Array) => Either.Either<Operation, string>
}
