import { readVarint, varintEnd, varintLength, writeVarint } from "../../core/bytes/encoding.js"
import type { Codec } from "./codecs.js"
import type { Conversion } from "./conversion.js"
import type { MigrationStep } from "./migration.js"

/**
 * Values of one keyspace as bytes and back. A value of version 1 is what the codec makes of it. A later
 * one has a zero byte and its version, a varint, before that. So rows that were written before there
 * were versions need no other form.
 */
export class ValueCodec<V> {
  /** The version of values that are written. */
  readonly version: number

  constructor(
    private readonly values: Conversion<V>,
    private readonly codec: Codec,
    private readonly steps: ReadonlyArray<MigrationStep> = []
  ) {
    this.version = steps.length + 1
  }

  encode(value: V): Uint8Array {
    const plain = this.codec.encode(this.values.encode(value))
    if (this.version === 1) return plain
    const start = 1 + varintLength(this.version)
    const bytes = new Uint8Array(start + plain.length)
    writeVarint(bytes, 1, this.version)
    bytes.set(plain, start)
    return bytes
  }

  decode(bytes: Uint8Array): V {
    const { codec, steps, values } = this
    const version = this.versionOf(bytes)
    if (version > this.version) {
      throw new Error(`it has version ${version}, and this program knows no later one than ${this.version}`)
    }
    const plain = codec.decode(version === 1 ? bytes : bytes.subarray(1 + varintLength(version)))
    if (version === this.version) return values.decode(plain)
    let value = steps[version - 1]!.decode(plain)
    for (const { up } of steps.slice(version - 1)) value = up(value)
    return value as V
  }

  /** The version of a stored value. */
  versionOf(bytes: Uint8Array): number {
    if (this.codec.leavesZero !== true || bytes.length < 2 || bytes[0] !== 0) return 1
    const version = readVarint(bytes, 1, bytes.length)
    return version > 1 && varintEnd <= bytes.length ? version : 1
  }
}
