/**
 * The errors of this library: one union of tagged errors, with the details as fields.
 *
 * @since 3.0.0
 */
import * as Schema from "effect/Schema"
import { CorruptionFailure, FormatFailure, StorageFailure } from "./core/storage/failure.js"

/**
 * The store is closed: the scope that opened it has ended.
 *
 * @since 3.0.0
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
 * The directory is open elsewhere, in this process or in another one.
 *
 * If `reason` is set, the directory only *may* be open elsewhere. `reason` then says why this
 * process cannot find out, and which file to remove if no process has the store open.
 *
 * @since 3.0.0
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
 * A key, a value, a range or an option is not valid. `argument` names it. Nothing was written.
 *
 * @since 3.0.0
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
 * A key, a value or a batch is larger than the store can take: `limit` names the limit, as in
 * `OrderedStore.Limits`. Nothing was written.
 *
 * @since 3.1.0
 * @category errors
 */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>("effect-lsm/LimitExceeded")("LimitExceeded", {
  limit: Schema.Literal("keyBytes", "valueBytes", "batchBytes", "batchOperations"),
  /** The size. Undefined if it was not measured to the end. */
  actual: Schema.UndefinedOr(Schema.Number),
  most: Schema.Number
}) {
  override get message(): string {
    const unit = this.limit === "batchOperations" ? "operations" : "bytes"
    const size = this.actual === undefined ? "more" : `${this.actual} ${unit}`
    const what = { keyBytes: "key", valueBytes: "value", batchBytes: "batch", batchOperations: "batch" }[this.limit]
    return `a ${what} has ${size}; at most ${this.most} ${unit} are allowed`
  }
}

/**
 * A file does not hold what was written to it. `offset` is in bytes from the start of the file.
 * `region` names the part of the format, such as `data block` or `log frame`.
 *
 * @since 3.0.0
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
 * The operating system refused an operation. `code` is the system's code, such as `EIO` or
 * `EMFILE`.
 *
 * The same error reports that the thread of a `CompactionWorker` died. `operation` is then
 * `"merge in a thread"`, and `code` is Node's code, such as `ERR_WORKER_OUT_OF_MEMORY`, or
 * `EWORKER`.
 *
 * `cause` is the system's error, if there is one. After encoding and decoding it is an `Error` with
 * the same name and message.
 *
 * @since 3.0.0
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
 * The device is full, or the disk quota is used up. `cause` is the system's error, as in
 * `StorageError`.
 *
 * @since 3.0.0
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
 * An earlier write or sync of the log failed, so the contents of the disk are no longer known. The
 * store refuses writes until it is opened again. Reads still work. `reason` is the message of the
 * first failure.
 *
 * @since 3.0.0
 * @category errors
 */
export class StorePoisoned extends Schema.TaggedError<StorePoisoned>("effect-lsm/StorePoisoned")("StorePoisoned", {
  directory: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `The store in ${this.directory} refuses writes until it is opened again: ${this.reason}`
  }
}

/**
 * The store was opened with `readOnly`. It refuses writes, flushes, compactions and syncs.
 *
 * @since 3.0.0
 * @category errors
 */
export class StoreReadOnly extends Schema.TaggedError<StoreReadOnly>("effect-lsm/StoreReadOnly")("StoreReadOnly", {
  directory: Schema.String
}) {
  override get message(): string {
    return `The store in ${this.directory} is open read-only`
  }
}

/**
 * A condition of a write does not hold: the newest version of `key` is `actual`, not `expected`.
 * Nothing was written. Versions are those of `getEntry`; `"absent"` stands for an absent key.
 *
 * @since 3.1.0
 * @category errors
 */
export class Conflict extends Schema.TaggedError<Conflict>("effect-lsm/Conflict")("Conflict", {
  key: Schema.Uint8ArrayFromSelf,
  expected: Schema.Union(Schema.Number, Schema.Literal("absent")),
  actual: Schema.Union(Schema.Number, Schema.Literal("absent"))
}) {
  override get message(): string {
    return `version ${this.actual} of a key, not ${this.expected}`
  }
}

/**
 * Another write changed what a transaction has read: the key `key`, which it got, or which lies in
 * a range that it read. Nothing of the transaction was written.
 *
 * @since 3.1.0
 * @category errors
 */
export class TransactionConflict extends Schema.TaggedError<TransactionConflict>("effect-lsm/TransactionConflict")(
  "TransactionConflict",
  { key: Schema.Uint8ArrayFromSelf, isInRange: Schema.Boolean }
) {
  override get message(): string {
    return `a key that a transaction has read${this.isInRange ? " in a range" : ""} was written by another`
  }
}

/**
 * So much was written while a transaction was open that it is not known any more whether it
 * conflicts. Nothing of it was written.
 *
 * @since 3.1.0
 * @category errors
 */
export class TransactionTooOld extends Schema.TaggedError<TransactionTooOld>("effect-lsm/TransactionTooOld")(
  "TransactionTooOld",
  { directory: Schema.String }
) {
  override get message(): string {
    return `a transaction of the store in ${this.directory} was open for too many writes`
  }
}

/**
 * A file has a format version that this release cannot read, or that needs what this runtime does
 * not have: `needs` says what. Nothing was changed.
 *
 * @since 3.0.0
 * @category errors
 */
export class UnsupportedFormat extends Schema.TaggedError<UnsupportedFormat>("effect-lsm/UnsupportedFormat")(
  "UnsupportedFormat",
  { file: Schema.String, version: Schema.Number, needs: Schema.optional(Schema.String) }
) {
  override get message(): string {
    const why = this.needs === undefined ? "this release cannot read" : `needs ${this.needs}`
    return `${this.file} has format version ${this.version}, which ${why}`
  }
}

/**
 * The errors of reading and writing files.
 *
 * @since 3.0.0
 * @category models
 */
export type FileError = StorageError | DiskFull | Corruption | UnsupportedFormat

/**
 * The errors of a read.
 *
 * @since 3.0.0
 * @category models
 */
export type ReadError = StoreClosed | InvalidArgument | FileError

/**
 * The errors of a write, a sync, a flush or a compaction. Only a batch with checks fails with
 * `Conflict`.
 *
 * @since 3.0.0
 * @category models
 */
export type WriteError = ReadError | LimitExceeded | StorePoisoned | StoreReadOnly | Conflict

/**
 * The errors of opening a store.
 *
 * @since 3.0.0
 * @category models
 */
export type OpenError = StoreLocked | InvalidArgument | FileError

/**
 * Every error of this library.
 *
 * @since 3.0.0
 * @category models
 */
export type LsmError = WriteError | OpenError | TransactionConflict | TransactionTooOld

/**
 * The public error for a failure of the core. Anything else is a bug in this library: it is thrown
 * again and becomes a defect.
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
  if (failure instanceof FormatFailure) {
    const { file, version, needs } = failure
    return new UnsupportedFormat({ file, version, ...(needs === undefined ? {} : { needs }) })
  }
  throw failure
}
