import * as Effect from "effect/Effect"
import { annotate } from "../effect/logging.js"
import type { SegmentUnusable } from "./segmentUnusable.js"
import type { ThreadDied } from "./threadDied.js"

/** The component of log lines about the thread. */
export const component = "TableMerger"

const warn = (message: string, directory: string, reason: unknown): Effect.Effect<void> =>
  Effect.logWarning(message).pipe(annotate(component, { directory, reason: String(reason) }))

export const warnOfStart = (directory: string, { cause }: ThreadDied): Effect.Effect<void> =>
  warn("the background thread cannot start: its work is done in this thread", directory, cause)

export const warnOfDeath = (directory: string, { cause }: ThreadDied): Effect.Effect<void> =>
  warn("the background thread died: its work is done in this thread", directory, cause)

export const warnOfSegment = (directory: string, { reason }: SegmentUnusable): Effect.Effect<void> =>
  warn("a log segment cannot be read back: its memtable is flushed in this thread", directory, reason)
