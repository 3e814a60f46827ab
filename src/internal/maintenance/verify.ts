import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { verifyDirectory } from "../../core/recovery/verifyDirectory.js"
import type { Damage } from "../../core/storage/damage.js"
import type { OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import type { VerifyEvent, VerifyOptions } from "../../Maintenance.js"
import { attempt, Storage } from "../../Storage.js"
import { arrayStream } from "../effect/arrayStream.js"
import { expectStore } from "../manifest/directories.js"

/** Checks a store that is not open elsewhere; see `LsmStore.verify`. */
export const verifyStore = (options: VerifyOptions): Stream.Stream<VerifyEvent, OpenError, Storage> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { directory } = yield* resolveOptions({ directory: options.directory })
      const storage = yield* Storage
      yield* expectStore(directory)
      yield* storage.lock(directory, "read")
      const names = yield* storage.list(directory)
      const events: Array<VerifyEvent> = []
      let total = 0
      let done = 0
      const counts = { error: 0, notice: 0 }
      const tell = (severity: "error" | "notice") => (damage: Damage) => {
        counts[severity]++
        events.push({ _tag: "Finding", severity, ...damage })
      }
      const steps = verifyDirectory(
        storage.driver,
        directory,
        names,
        {
          error: tell("error"),
          notice: tell("notice"),
          progress: (file, bytes) => {
            done += bytes
            events.push({ _tag: "Progress", file, bytes: done, total })
          }
        },
        (bytes) => {
          total = bytes
        }
      )
      let ended = false
      const next: Effect.Effect<ReadonlyArray<VerifyEvent>, OpenError> = Effect.suspend(() =>
        Effect.flatMap(
          attempt(() => steps.next()),
          (step) => {
            if (step.done === true) {
              ended = true
              const verified = step.value ?? { tables: 0, segments: 0, entries: 0, records: 0 }
              events.push({ _tag: "Verified", ...verified, errors: counts.error, notices: counts.notice })
            }
            const turn = storage.yieldToEventLoop
            return events.length === 0 ? Effect.zipRight(turn, next) : Effect.as(turn, events.splice(0))
          }
        )
      )
      return arrayStream(
        Effect.void,
        () => ({ next, hasMore: () => !ended }),
        // A Stream that ends early must close the files that are being checked.
        () => void steps.return(undefined)
      )
    })
  )
