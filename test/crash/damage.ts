import * as Effect from "effect/Effect"
import type { Patches } from "../support/openStore.js"
import type { Finding } from "./explore.js"
import { judge } from "./oracle.js"
import { DiskHistory } from "./states.js"
import { record, type Workload } from "./workload.js"

/** So many bytes of the log are damaged, each by itself. */
const places = 40

/**
 * Flips a byte in the first half of the log, one place after the other, after a crash that kept what had been synced and nothing else. Frames
 * in the second half tell that the first had been synced: opening may refuse, and must not take the damage for a torn end.
 */
export const damageLog = (workload: Workload, patches?: Patches): Effect.Effect<Finding | undefined> =>
  Effect.gen(function* () {
    const { events, models } = yield* record(workload, patches)
    const history = new DiskHistory()
    // The last moment before the store was closed at which something was acknowledged.
    const last = events.findLastIndex(({ kind }, i) => kind === "kept" && events[i + 1]?.kind === "submitted")
    for (const event of events.slice(0, last + 1)) history.advance(event)
    const [state] = history.states(0)
    const files = state!.files()
    const { kept, submitted } = history
    for (const [path, bytes] of files) {
      if (!path.endsWith(".log")) continue
      for (let i = 0; i < places; i++) {
        const at = Math.floor((i * bytes.length) / (2 * places))
        const damaged = bytes.slice()
        damaged[at] = damaged[at]! ^ 0xff
        const tuning = workload.recoverWith ?? workload.tuning
        const fault = yield* judge({
          files: new Map(files).set(path, damaged),
          tuning,
          models,
          kept,
          submitted,
          patches
        })
        if (fault === undefined || fault.includes("Corruption")) continue
        return {
          workload: workload.name,
          seed: 0,
          at: `byte ${at} of ${path}`,
          label: `byte ${at} of ${path} flipped`,
          fault
        }
      }
    }
    return undefined
  })
