/**
 * Everything that can fail, as one union of tagged errors whose fields say what happened.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { CorruptionFailure, FormatFailure, StorageFailure } from "./core/storage/failure.js"

/**
 * The store's scope has ended, or `close` was called.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreClosed extends Schema.TaggedError<StoreClosed>("effect-lsm/StoreClosed")("StoreClosed", {
  directory: Schema.String
}) {
  override get message(): string {
    return `The store in ${this.directory} is closed`
  }
}

/**
 * Another store, in this process or in another, has the directory open. Or it may have: then `reason` says why that cannot be known here, and
 * which file to remove if nothing is at work there.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreLocked extends Schema.TaggedError<StoreLocked>("effect-lsm/StoreLocked")("StoreLocked", {
  directory: Schema.String,
  reason: Schema.UndefinedOr(Schema.String).pipe(Schema.optional)
}) {
  override get message(): string {
    return this.reason === undefined
      ? `${this.directory} is open elsewhere`
      : `${this.directory} may be open elsewhere: ${this.reason}`
  }
}

/**
 * A key, a value, a range or an option is not one that the store takes. Nothing was written.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>("effect-lsm/InvalidArgument")(
  "InvalidArgument",
  { argument: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `${this.argument}: ${this.reason}`
  }
}

/**
 * A file does not hold what was written to it. `offset` is in bytes from the file's beginning; `region` names the part of
 * the format, such as `data block` or `log frame`.
 *
 * @since 0.1.0
 * @category errors
 */
export class Corruption extends Schema.TaggedError<Corruption>("effect-lsm/Corruption")("Corruption", {
  file: Schema.String,
  offset: Schema.Number,
  region: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.region} at byte ${this.offset}: ${this.reason}`
  }
}

/**
 * The operating system refused an operation; `code` is its own, such as `EIO` or `EMFILE`. Or a thread that compacts died: then
 * `operation` is `"merge in a thread"`, and `code` Node's, such as `ERR_WORKER_OUT_OF_MEMORY`, or `EWORKER`. `cause` is the system's error, if
 * there is one; encoded and decoded, it is an `Error` of the same name and message.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Schema.TaggedError<StorageError>("effect-lsm/StorageError")("StorageError", {
  operation: Schema.String,
  path: Schema.String,
  code: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}`
  }
}

/**
 * There is no room left on the device, or in the quota. `cause` is as of `StorageError`.
 *
 * @since 0.1.0
 * @category errors
 */
export class DiskFull extends Schema.TaggedError<DiskFull>("effect-lsm/DiskFull")("DiskFull", {
  operation: Schema.String,
  path: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {
  override get message(): string {
    return `${this.operation} ${this.path}: no space left`
  }
}

/**
 * An earlier write or sync of the log failed, so that what is on disk is no longer known: the store takes no writes until it
 * is opened again. Reads go on.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorePoisoned extends Schema.TaggedError<StorePoisoned>("effect-lsm/StorePoisoned")("StorePoisoned", {
  directory: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `The store in ${this.directory} takes no writes: ${this.reason}`
  }
}

/**
 * The store was opened with `readOnly`: it takes no writes, and has nothing to flush, compact or sync.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreReadOnly extends Schema.TaggedError<StoreReadOnly>("effect-lsm/StoreReadOnly")("StoreReadOnly", {
  directory: Schema.String
}) {
  override get message(): string {
    return `The store in ${this.directory} is open for reading only`
  }
}

/**
 * A file has a format version that this release does not know. Nothing was changed.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnsupportedFormat extends Schema.TaggedError<UnsupportedFormat>("effect-lsm/UnsupportedFormat")(
  "UnsupportedFormat",
  { file: Schema.String, version: Schema.Number }
) {
  override get message(): string {
    return `${this.file} has format version ${this.version}, which this release does not read`
  }
}

/**
 * What reading or writing files may fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type FileError = StorageError | DiskFull | Corruption | UnsupportedFormat

/**
 * What a read may fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type ReadError = StoreClosed | InvalidArgument | FileError

/**
 * What a write, a flush or a compaction may fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type WriteError = ReadError | StorePoisoned | StoreReadOnly

/**
 * What opening a store may fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type OpenError = StoreLocked | InvalidArgument | FileError

/**
 * Every error of this library.
 *
 * @since 0.1.0
 * @category models
 */
export type LsmError = WriteError | OpenError

/**
 * The public error for a failure of the core. Anything that is no failure of the core is a fault of this library, and is thrown again as the
 * defect that it is.
 *
 * @internal
 */
export const fromFailure = (failure: unknown): FileError => {
  if (failure instanceof StorageFailure) {
    const { operation, path, code } = failure
    const cause = failure.cause === undefined ? {} : { cause: failure.cause }
    return code === "ENOSPC" || code === "EDQUOT"
      ? new DiskFull({ operation, path, ...cause })
      : new StorageError({ operation, path, code, ...cause })
  }
  if (failure instanceof CorruptionFailure) {
    const { file, offset, region, reason } = failure
    return new Corruption({ file, offset, region, reason })
  }
  if (failure instanceof FormatFailure) return new UnsupportedFormat({ file: failure.file, version: failure.version })
  throw failure
}
