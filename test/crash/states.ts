import { createHash } from "node:crypto"
import { DiskHistory } from "../../src/core/simulation/diskHistory.js"
import type { Event } from "./journal.js"

export type { CrashState } from "../../src/core/simulation/diskHistory.js"

/** The history of a disk, with the events of a workload. */
export class JournalHistory extends DiskHistory {
  submitted = 0
  kept = 0
  /** How many checkpoints are complete. */
  checkpointed = 0
  /** What the clock says. */
  time = 0
  /** The last time that the store has recorded durably. */
  timed = 0

  /** Takes the next event. Returns true if the possible states have changed. */
  override advance(event: Event): boolean {
    switch (event.kind) {
      case "submitted":
        this.submitted = event.batch
        return false
      case "kept":
        this.kept = event.batch
        return true
      case "checkpointed":
        this.checkpointed = event.checkpoint
        return true
      case "time":
        this.time = event.time
        return true
      case "timed":
        this.timed = event.time
        return true
      default:
        return super.advance(event)
    }
  }
}

/**
 * A digest of a state and of what it must hold. States of equal digest are judged
 * once.
 */
export const digest = (files: ReadonlyMap<string, Uint8Array>, kept: string): string => {
  const hash = createHash("sha1").update(`${kept};`)
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path)!
    hash.update(`${path}:${bytes.length};`).update(bytes)
  }
  return hash.digest("base64")
}
