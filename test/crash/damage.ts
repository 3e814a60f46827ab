import * as Effect from "effect/Effect"
import type { Patches } from "../support/openStore.js"
import type { Finding } from "./explore.js"
import { judge } from "./oracle.js"
import { JournalHistory } from "./states.js"
import { record, type Workload } from "./workload.js"

/** How many bytes of each log file to damage, one at a time. */
const places = 40

/**
 * Flips one byte at a time in the first half of each log file, after a crash that kept only synced
 * data. Frames in the second half prove that the first half had been synced. So opening may fail
 * with `Corruption`, but must not take the damage for a torn end.
 */
export const damageLog = (workload: Workload, patches?: Patches): Effect.Effect<Finding | undefined> =>
  Effect.gen(function* () {
    const { events, models } = yield* record(workload, patches)
    const history = new JournalHistory()
    // The last acknowledgement that another batch follows: the store is still open.
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
          checkpoints: [],
          checkpointed: 0,
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
