import { FileSystem } from "@effect/platform"
import { Effect } from "effect"

const encoder = new TextEncoder()

/**
 * Records the batches that the store has acknowledged, in a plain file outside of the store with
 * one batch number per line. After a crash, the store must have these batches. `add` completes when
 * the line is on disk.
 */
export const openJournal = (path: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const text = (yield* files.exists(path)) ? yield* files.readFileString(path) : ""
    // Text after the last newline is a line that a crash cut off.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1)
    if (whole.length < text.length) yield* files.truncate(path, whole.length)
    const file = yield* files.open(path, { flag: "a" })
    return {
      acknowledged: new Set(whole.split("\n").filter(Boolean).map(Number)),
      add: (batch: number) => Effect.zipRight(file.writeAll(encoder.encode(`${batch}\n`)), file.sync)
    }
  })

export type Journal = Effect.Effect.Success<ReturnType<typeof openJournal>>
