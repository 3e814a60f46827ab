/**
 * Values of keyspaces as MessagePack. Needs the package `msgpackr`.
 *
 * @since 3.1.0
 */
import { Packr } from "msgpackr"
import type { Codec } from "./Keyspace.js"

/** Plain maps, which every reader of MessagePack knows, and bigints of any size. */
const packr = new Packr({ useRecords: false, mapsAsObjects: true, useBigIntExtension: true })

/**
 * Values as MessagePack: smaller than JSON, and with bytes, dates and bigints. The encoded side of a
 * Schema of values may have these, and what JSON has. A `Map` and a `Set` cannot be read back.
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
 *   value: Schema.Struct({ content: Schema.Uint8ArrayFromSelf, version: Schema.BigIntFromSelf }),
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
  encode: (encoded) => packr.pack(encoded),
  decode: (bytes) => packr.unpack(bytes)
}
