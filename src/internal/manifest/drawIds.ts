import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { storeIdSize } from "../../core/storage/fileHeader.js"

/** Draws the id of a new history; see `History`. */
export const drawHistoryId: Effect.Effect<number> = Effect.zipWith(
  Random.nextIntBetween(0, 2 ** 24),
  Random.nextIntBetween(0, 2 ** 24),
  (high, low) => high * 2 ** 24 + low
)

/** Draws the id of a new store. */
export const drawStoreId: Effect.Effect<Uint8Array> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 256), storeIdSize),
  (bytes) => Uint8Array.from(bytes)
)
