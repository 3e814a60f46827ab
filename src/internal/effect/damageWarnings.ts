import * as Effect from "effect/Effect"
import type { Damage } from "../../core/storage/damage.js"

/** Logs a warning for each damage, with its place. */
export const warnOfDamage = (message: string, component: string, damages: ReadonlyArray<Damage>): Effect.Effect<void> =>
  Effect.forEach(
    damages,
    ({ file, offset, bytes, region, reason }) =>
      Effect.logWarning(message).pipe(
        Effect.annotateLogs({ component, file, offset, region, reason, ...(bytes === undefined ? {} : { bytes }) })
      ),
    { discard: true }
  )
