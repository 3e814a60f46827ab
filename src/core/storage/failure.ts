/**
 * The failures of the core, as plain errors. The layers above convert each to the public tagged
 * error of the same meaning (`LsmError.fromFailure`).
 */

/** A file does not hold the bytes that were written to it. */
export class CorruptionFailure extends Error {
  readonly _kind = "CorruptionFailure"
  constructor(
    readonly file: string,
    readonly offset: number,
    readonly region: string,
    readonly reason: string
  ) {
    super(`${file}: ${region} at ${offset}: ${reason}`)
  }
}

/**
 * A file has a format version that this release does not know, or that needs what this runtime does
 * not have.
 */
export class FormatFailure extends Error {
  readonly _kind = "FormatFailure"
  constructor(
    readonly file: string,
    readonly version: number,
    readonly needs?: string | undefined
  ) {
    super(`${file}: format version ${version} is not supported${needs === undefined ? "" : `, for it needs ${needs}`}`)
  }
}

/** The operating system, or the simulation of one, refused an operation. */
export class StorageFailure extends Error {
  readonly _kind = "StorageFailure"
  constructor(
    readonly operation: string,
    readonly path: string,
    readonly code: string,
    options?: { readonly cause?: unknown }
  ) {
    super(`${operation} ${path}: ${code}`, options)
  }
}

/** A record of the log could not be inserted into a memtable, for example for lack of memory. */
export const applyFailure = (path: string, cause: unknown): StorageFailure =>
  new StorageFailure("apply", path, cause instanceof RangeError ? "ENOMEM" : "EUNEXPECTED", { cause })

export type Failure = CorruptionFailure | FormatFailure | StorageFailure

export const isFailure = (u: unknown): u is Failure =>
  u instanceof CorruptionFailure || u instanceof FormatFailure || u instanceof StorageFailure
