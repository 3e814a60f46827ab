import { InvalidArgument } from "../../LsmError.js"
import { FeedReset } from "../../OrderedStoreError.js"
import type { Engine } from "../engine/engine.js"

/**
 * A position is the id of the store, that of its history, and a sequence number: `6f1c…-0-4711`.
 */
export const positionAt = (engine: Engine, sequence: number): string => `${historyOf(engine)}-${sequence}`

const historyOf = ({ parts: { manifest } }: Engine): string =>
  `${Buffer.from(manifest.storeId).toString("hex")}-${(manifest.unsafeState().history?.id ?? 0).toString(16)}`

const pattern = /^([0-9a-f]{16,64}-[0-9a-f]{1,12})-(\d{1,15})$/

/** Returns the sequence number of a position. */
export const sequenceAt = (engine: Engine, position: string): number | InvalidArgument | FeedReset => {
  const match = typeof position === "string" ? pattern.exec(position) : null
  if (match === null) return new InvalidArgument({ argument: "from", reason: "is no position of a feed" })
  const sequence = Number(match[2])
  if (match[1] !== historyOf(engine)) {
    return new FeedReset({ reason: "the position is one of another store, or of another history of this one" })
  }
  return sequence > engine.visibleSequence
    ? new FeedReset({ reason: `the position is ${sequence}, and the store is at ${engine.visibleSequence}` })
    : sequence
}
