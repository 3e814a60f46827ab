import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { formatBytes, formatCount } from "../help/units.js"
import { writeError } from "./output.js"
import { StandardStreams } from "./standardStreams.js"

/** Shows the progress of a long command. */
export interface Progress {
  readonly update: (bytes: number, entries?: number) => Effect.Effect<void>
  /** Erases the progress line. */
  readonly end: Effect.Effect<void>
}

/**
 * Shows progress as one line that is rewritten, if standard error is a terminal. Otherwise shows
 * nothing. A total is that of the bytes or, if only that is known, of the entries.
 */
export const makeProgress = (
  totalBytes: number | undefined,
  totalEntries?: number,
  doing = ""
): Effect.Effect<Progress> =>
  Effect.gen(function* () {
    if (!(yield* StandardStreams).stderr.isTTY) return silent
    const begun = yield* Clock.currentTimeMillis
    let shownAt = begun
    return {
      update: (bytes, entries) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          if (now - shownAt < refreshMillis) return Effect.void
          shownAt = now
          const share = shareOf(bytes, totalBytes) || shareOf(entries, totalEntries)
          if (entries === undefined) return writeError(`${eraseLine}${formatBytes(bytes)}${share}`)
          const rate = formatCount(Math.round((entries * 1000) / (now - begun)))
          return writeError(
            `${eraseLine}${doing}${formatCount(entries)} entries, ${formatBytes(bytes)}${share}, ${rate} entries/s`
          )
        }),
      end: Effect.suspend(() => (shownAt === begun ? Effect.void : writeError(eraseLine)))
    }
  })

const shareOf = (part: number | undefined, total: number | undefined): string =>
  part !== undefined && total ? ` (${Math.floor((100 * part) / total)} %)` : ""

const silent: Progress = { update: () => Effect.void, end: Effect.void }

const refreshMillis = 100
const eraseLine = "\r\x1b[2K"
