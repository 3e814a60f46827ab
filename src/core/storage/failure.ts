/**
 * What can go wrong below the Effect shell, as plain errors. The shell turns each into the public
 * tagged error of the same meaning (`LsmError.fromFailure`).
 */

/** A file holds bytes that cannot be what was written there. */
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

/** A file was written by a format version that this release does not know. */
export class FormatFailure extends Error {
  readonly _kind = "FormatFailure"
  constructor(
    readonly file: string,
    readonly version: number
  ) {
    super(`${file}: format version ${version} is not supported`)
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

/** A record of a log could not be put into a memtable, for want of memory perhaps. */
export const applyFailure = (path: string, cause: unknown): StorageFailure =>
  new StorageFailure("apply", path, cause instanceof RangeError ? "ENOMEM" : "EUNEXPECTED", { cause })

export type Failure = CorruptionFailure | FormatFailure | StorageFailure

export const isFailure = (u: unknown): u is Failure =>
  u instanceof CorruptionFailure || u instanceof FormatFailure || u instanceof StorageFailure
