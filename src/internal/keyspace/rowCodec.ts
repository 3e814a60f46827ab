import * as Schema from "effect/Schema"
import { decodeTuple } from "../../core/keys/decodeTuple.js"
import type { KeyTuple } from "../../core/keys/element.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import { KeyFailure } from "../../core/keys/keyFailure.js"
import { DecodeFailed, EncodeFailed } from "../../KeyspaceError.js"
import type { Entry } from "../../OrderedStore.js"
import { type AnySchema, encodedNode } from "../effect/schemaNodes.js"
import { type Codec, jsonCodec } from "./codecs.js"
import { type Conversion, conversionOf } from "./conversion.js"
import { type KeyParts, partsOf, prefixTuple } from "./keyParts.js"
import { fromTuple, type Shape, shapeOf, toTuple, tupleText } from "./keyShape.js"
import type { MigrationStep } from "./migration.js"
import type { Row } from "./rowModels.js"
import { ValueCodec } from "./valueCodec.js"

/** The codec of a keyspace. Throws `KeyFailure` if the Schema of the key has no order of elements. */
export const makeRowCodec = <K, KI, V, VI>(
  keyspace: string,
  key: AnySchema<K, KI>,
  value: AnySchema<V, VI>,
  codec: Codec,
  steps: ReadonlyArray<MigrationStep> = []
): RowCodec<K, V> => {
  const shape = shapeOf(encodedNode(key))
  return new RowCodec(
    keyspace,
    shape,
    partsOf(key, shape),
    conversionOf(key),
    new ValueCodec(conversionOf(value), codec, steps)
  )
}

/** The codec of an index, which has keys only. Throws `KeyFailure`. */
export const makeIndexCodec = <I, II>(name: string, on: AnySchema<I, II>): RowCodec<I, unknown> => {
  const shape = shapeOf(encodedNode(on))
  if (shape.kind === "tuple" && shape.isOpen) {
    throw new KeyFailure("a tuple of an index has a fixed number of elements: the key of a row follows it")
  }
  return makeRowCodec(name, on, Schema.Unknown, jsonCodec)
}

/** Keys and values of one keyspace, as bytes and back. Its functions throw the errors that they name. */
export class RowCodec<K, V> {
  constructor(
    private readonly keyspace: string,
    private readonly shape: Shape,
    private readonly parts: KeyParts,
    private readonly keys: Conversion<K>,
    private readonly values: ValueCodec<V>
  ) {}

  /** The version of values that are written. */
  get version(): number {
    return this.values.version
  }

  versionOf(value: Uint8Array): number {
    return this.values.versionOf(value)
  }

  /** @throws EncodeFailed */
  keyBytes(key: K, prefix: Uint8Array): Uint8Array {
    try {
      return encodeTuple(toTuple(this.shape, this.keys.encode(key)), prefix)
    } catch (failure) {
      throw this.encodeFailed("key", failure)
    }
  }

  /** The bytes of a key, or of the beginning of one. @throws EncodeFailed */
  boundBytes(bound: unknown, prefix: Uint8Array): Uint8Array {
    try {
      return encodeTuple(this.boundTuple(bound), prefix)
    } catch (failure) {
      throw this.encodeFailed("key", failure)
    }
  }

  /** @throws EncodeFailed */
  valueBytes(value: V): Uint8Array {
    try {
      return this.values.encode(value)
    } catch (failure) {
      throw this.encodeFailed("value", failure)
    }
  }

  /** The value of an entry. @throws DecodeFailed */
  value(key: Uint8Array, value: Uint8Array, prefixLength: number): V {
    try {
      return this.values.decode(value)
    } catch (failure) {
      throw this.decodeFailed("value", this.textOf(key, prefixLength), failure)
    }
  }

  /** @throws DecodeFailed */
  row({ key, value }: Entry, prefixLength: number): Row<K, V> {
    return { key: this.key(key, prefixLength), value: this.value(key, value, prefixLength) }
  }

  /** An index has an entry of a row that is not there. */
  missingRow(key: Uint8Array, prefixLength: number): DecodeFailed {
    return this.decodeFailed("value", this.textOf(key, prefixLength), "an index leads to it, but it is not there")
  }

  /** @throws DecodeFailed */
  key(bytes: Uint8Array, prefixLength: number): K {
    try {
      return this.keys.decode(fromTuple(this.shape, decodeTuple(bytes, prefixLength)))
    } catch (failure) {
      throw this.decodeFailed("key", this.textOf(bytes, prefixLength), failure)
    }
  }

  private boundTuple(bound: unknown): KeyTuple {
    const { shape } = this
    return shape.kind === "element"
      ? toTuple(shape, this.keys.encode(bound as K))
      : prefixTuple(shape, this.parts, bound)
  }

  /** The key as text, for messages. */
  textOf(key: Uint8Array, prefixLength: number): string {
    try {
      return tupleText(decodeTuple(key, prefixLength))
    } catch {
      return `0x${Buffer.from(key.subarray(prefixLength)).toString("hex")}`
    }
  }

  private encodeFailed(part: "key" | "value", failure: unknown): EncodeFailed {
    return new EncodeFailed({ keyspace: this.keyspace, part, reason: reasonOf(failure) })
  }

  private decodeFailed(part: "key" | "value", key: string, failure: unknown): DecodeFailed {
    return new DecodeFailed({ keyspace: this.keyspace, part, key, reason: reasonOf(failure) })
  }
}

/** Schemas, codecs and keys all fail with an `Error`. A Schema may run any code, so anything may be thrown. */
const reasonOf = (failure: unknown): string => {
  if (failure instanceof KeyFailure) return failure.message
  return failure instanceof Error ? failure.message : String(failure)
}
