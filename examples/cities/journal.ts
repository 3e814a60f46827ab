import { FileSystem } from "@effect/platform"
import { Effect } from "effect"

const encoder = new TextEncoder()

/**
 * Which batches the store has acknowledged, noted outside of the store: a plain file with a batch number a line. After a
 * crash it tells what the store must have. `add` is done when the line is on disk.
 */
export const openJournal = (path: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const text = (yield* files.exists(path)) ? yield* files.readFileString(path) : ""
    // What stands behind the last newline is a line that a crash cut off.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1)
    if (whole.length < text.length) yield* files.truncate(path, whole.length)
    const file = yield* files.open(path, { flag: "a" })
    return {
      acknowledged: new Set(whole.split("\n").filter(Boolean).map(Number)),
      add: (batch: number) => Effect.zipRight(file.writeAll(encoder.encode(`${batch}\n`)), file.sync)
    }
  })

export type Journal = Effect.Effect.Success<ReturnType<typeof openJournal>>
