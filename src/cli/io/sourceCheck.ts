import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LsmError } from "../../LsmError.js"
import type { Store } from "../../Store.js"
import { CommandFailed } from "../failure.js"
import { shownKey } from "../format/shownKey.js"
import { plural } from "../help/units.js"
import type { Source } from "../sources/source.js"
import type { Progress } from "./progress.js"
import { sourceBroken, sourceGroups } from "./sourceGroups.js"

/** Where an import begins: behind a key, with so many entries already there. */
export interface Beginning {
  readonly after: Uint8Array | undefined
  readonly entries: number
}

/**
 * Finds where an interrupted import goes on: behind the largest key of the store, if the store has as many entries as
 * the source has up to there.
 */
export const findBeginning = (store: Store, source: Source): Effect.Effect<Beginning, CommandFailed | LsmError> =>
  Effect.gen(function* () {
    const [largest] = yield* store.collect({ reverse: true, limit: 1 })
    if (largest === undefined) return { after: undefined, entries: 0 }
    const entries = yield* store.count()
    const there = yield* Effect.uninterruptible(
      Effect.tryPromise({
        try: () => source.upTo(largest.key),
        catch: (error) => new CommandFailed({ message: sourceBroken(error).reason })
      })
    )
    if (there.found && there.entries === entries) return { after: largest.key, entries }
    const key = shownKey(largest.key)
    const reason = there.found
      ? `the store has ${plural(entries, "entry", "entries")} up to the key ${key}, and the source ${there.entries}`
      : `the store has the key ${key}, and the source has not`
    return yield* new CommandFailed({
      message: `${reason}: the store is not the beginning of an import of this source`
    })
  })

/** Compares the counts: that of the entries read, what the source itself counts, and what the store has. */
export const compareCounts = (
  store: Store,
  source: Source,
  read: number
): Effect.Effect<number, CommandFailed | LsmError> =>
  Effect.gen(function* () {
    const has = yield* store.count()
    const counts = [`${plural(read, "entry", "entries")} read`, `${has} in the store`]
    if (source.entries !== undefined) counts.push(`${source.entries} counted by the source`)
    if (has === read && (source.entries ?? read) === read) return has
    return yield* new CommandFailed({ message: `the counts differ: ${counts.join(", ")}` })
  })

/** Reads the source once more, and fails with the first entry that the store does not have. */
export const compareEntries = (
  store: Store,
  source: Source,
  progress: Progress
): Effect.Effect<number, CommandFailed | LsmError> =>
  Effect.suspend(() => {
    let entries = 0
    let bytes = 0
    return sourceGroups(source, undefined).pipe(
      Stream.runForEach((group) =>
        Effect.flatMap(store.getMany(group.map(({ key }) => key)), (values) => {
          for (const [at, { key, value }] of group.entries()) {
            const found = values[at]!
            if (Option.isSome(found) && Buffer.compare(found.value, value) === 0) {
              bytes += key.length + value.length
              continue
            }
            const has = Option.isNone(found) ? "the store has no value" : "the store has another value"
            const message = `the entries differ at the key ${shownKey(key)}: ${has}; ${entries + at} before it are equal`
            return Effect.fail(new CommandFailed({ message }))
          }
          entries += group.length
          return progress.update(bytes, entries)
        })
      ),
      Effect.catchTag("SourceBroken", ({ reason }) => Effect.fail(new CommandFailed({ message: reason }))),
      Effect.ensuring(progress.end),
      Effect.map(() => entries)
    )
  })
