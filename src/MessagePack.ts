/**
 * Values of keyspaces as MessagePack. Needs the package `msgpackr`.
 *
 * @since 3.1.0
 */
import { Packr } from "msgpackr"
import { refuseLoss } from "./internal/keyspace/refuseLoss.js"
import type { Codec } from "./Keyspace.js"

/** Plain maps, which every reader of MessagePack knows, and bigints of any size. */
const packr = new Packr({ useRecords: false, mapsAsObjects: true, useBigIntExtension: true })

/** What MessagePack has beside JSON. An invalid Date would come back as another. */
const holdsMore = (value: unknown): boolean =>
  typeof value !== "object"
    ? typeof value !== "function" && typeof value !== "symbol"
    : value instanceof Uint8Array || (value instanceof Date && !Number.isNaN(value.getTime()))

/**
 * Values as MessagePack: smaller than JSON, and with bytes, dates and bigints. The encoded side of a
 * Schema of values may have these, undefined, NaN and infinities, and what JSON has. Anything else,
 * such as a `Map`, is refused with `EncodeFailed`.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Keyspace } from "effect-lsm"
 * import * as MessagePack from "effect-lsm/MessagePack"
 *
 * const Files = Keyspace.make({
 *   name: "files",
 *   key: Schema.String,
 *   value: Schema.Struct({ path: Schema.Array(Schema.String), bytes: Schema.Number }),
 *   codec: MessagePack.codec
 * })
 * console.log(Files.name)
 * ```
 *
 * @since 3.1.0
 * @category codecs
 */
export const codec: Codec = {
  name: "messagepack",
  leavesZero: true,
  encode: (encoded) => {
    refuseLoss(encoded, "MessagePack", holdsMore)
    return packr.pack(encoded)
  },
  decode: (bytes) => packr.unpack(bytes)
}
