/**
 * The errors that keyspaces add to those of a store.
 *
 * @since 3.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A key or a value cannot be written. Its Schema refuses it, or what the Schema encodes it to has no
 * place in a key or in the codec of values. Nothing was written.
 *
 * @since 3.1.0
 * @category errors
 */
export class EncodeFailed extends Schema.TaggedError<EncodeFailed>("effect-lsm/EncodeFailed")("EncodeFailed", {
  keyspace: Schema.String,
  part: Schema.Literal("key", "value"),
  reason: Schema.String
}) {
  override get message(): string {
    return `The ${this.part} cannot be written to the keyspace "${this.keyspace}": ${this.reason}`
  }
}

/**
 * A stored key or value is not one of this keyspace's Schemas, or an entry of the directory of
 * keyspaces is damaged. `key` is the key as text, or as hexadecimal bytes if it cannot be decoded.
 *
 * @since 3.1.0
 * @category errors
 */
export class DecodeFailed extends Schema.TaggedError<DecodeFailed>("effect-lsm/DecodeFailed")("DecodeFailed", {
  keyspace: Schema.String,
  part: Schema.Literal("key", "value", "directory"),
  key: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `The ${this.part} at ${this.key} in the keyspace "${this.keyspace}" cannot be read: ${this.reason}`
  }
}

/**
 * The keyspace was dropped after it was opened. Open it again to get a new and empty one.
 *
 * @since 3.1.0
 * @category errors
 */
export class KeyspaceDropped extends Schema.TaggedError<KeyspaceDropped>("effect-lsm/KeyspaceDropped")(
  "KeyspaceDropped",
  { keyspace: Schema.String }
) {
  override get message(): string {
    return `The keyspace "${this.keyspace}" was dropped after it was opened`
  }
}

/**
 * A row would have the same key in a unique index as another row. Nothing was written.
 *
 * @since 3.1.0
 * @category errors
 */
export class UniqueViolation extends Schema.TaggedError<UniqueViolation>("effect-lsm/UniqueViolation")(
  "UniqueViolation",
  { keyspace: Schema.String, index: Schema.String, key: Schema.String }
) {
  override get message(): string {
    return `The index "${this.index}" of the keyspace "${this.keyspace}" has another row at ${this.key}`
  }
}

/**
 * The index has not been built yet for the rows that were there before it. Run `buildIndexes`.
 *
 * @since 3.1.0
 * @category errors
 */
export class IndexNotReady extends Schema.TaggedError<IndexNotReady>("effect-lsm/IndexNotReady")("IndexNotReady", {
  keyspace: Schema.String,
  index: Schema.String
}) {
  override get message(): string {
    return `The index "${this.index}" of the keyspace "${this.keyspace}" has not been built`
  }
}

/**
 * The keyspace has got an index since it was opened. Open it again, with that index: a write that does
 * not know of it would leave it wrong.
 *
 * @since 3.1.0
 * @category errors
 */
export class IndexesChanged extends Schema.TaggedError<IndexesChanged>("effect-lsm/IndexesChanged")("IndexesChanged", {
  keyspace: Schema.String
}) {
  override get message(): string {
    return `The keyspace "${this.keyspace}" has other indexes than when it was opened`
  }
}

/**
 * Every error that keyspaces add.
 *
 * @since 3.1.0
 * @category models
 */
export type KeyspaceError =
  | EncodeFailed
  | DecodeFailed
  | KeyspaceDropped
  | UniqueViolation
  | IndexNotReady
  | IndexesChanged
