import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { verifyDirectory } from "../../core/recovery/verifyDirectory.js"
import type { Damage } from "../../core/storage/damage.js"
import type { OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import type { VerifyEvent, VerifyOptions } from "../../Maintenance.js"
import { attempt, Storage } from "../../Storage.js"
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
      const pull: Effect.Effect<Chunk.Chunk<VerifyEvent>, Option.Option<OpenError>> = Effect.suspend(() =>
        ended
          ? Effect.fail(Option.none())
          : attempt(() => steps.next()).pipe(
              Effect.mapError(Option.some<OpenError>),
              Effect.flatMap((step) => {
                if (step.done === true) {
                  ended = true
                  const verified = step.value ?? { tables: 0, segments: 0, entries: 0, records: 0 }
                  events.push({ _tag: "Verified", ...verified, errors: counts.error, notices: counts.notice })
                }
                const chunk = Chunk.unsafeFromArray(events.splice(0))
                return Effect.as(storage.yieldToEventLoop, chunk)
              })
            )
      )
      return Stream.repeatEffectChunkOption(pull)
    })
  )
