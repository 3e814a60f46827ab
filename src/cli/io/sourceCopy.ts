import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Store } from "../../Store.js"
import * as WriteBatch from "../../WriteBatch.js"
import { CommandFailed } from "../failure.js"
import { shownKey } from "../format/shownKey.js"
import { plural } from "../help/units.js"
import type { Entry, Source } from "../sources/source.js"
import { writeError } from "./output.js"
import type { Progress } from "./progress.js"
import { sourceGroups } from "./sourceGroups.js"

/** The counts of a copy. */
export interface Copied {
  readonly entries: number
  readonly bytes: number
}

/**
 * Copies the entries of a source behind the key `after` into a store, in batches in the order of keys. After a
 * failure or an interruption the store has all entries up to some key and none behind it. The output names
 * that key.
 */
export const copySource = (
  store: Store,
  source: Source,
  after: Uint8Array | undefined,
  batchSize: number,
  progress: Progress
): Effect.Effect<Copied, CommandFailed> =>
  Effect.suspend(() => {
    const batch = WriteBatch.make()
    let entries = 0
    let bytes = 0
    let kept = 0
    let last = after
    let lastKept: Uint8Array | undefined

    const howFar = (): string =>
      lastKept === undefined
        ? "nothing was imported"
        : `imported: ${plural(kept, "entry", "entries")} up to the key ${shownKey(lastKept)}, none behind it`

    const failed = (reason: string): CommandFailed => new CommandFailed({ message: `${reason}; ${howFar()}` })

    const add = ({ key, value }: Entry): string | undefined => {
      const fault = faultOf(store, key, value, last)
      if (fault !== undefined) return fault
      batch.put(key, value)
      last = key
      entries++
      bytes += key.length + value.length
      return undefined
    }

    // Not interrupted, so that the count and the last key that are printed are right.
    const commit = Effect.suspend(() => {
      if (batch.size === 0) return Effect.void
      return store.write(batch).pipe(
        Effect.mapError((error) => failed(error.message)),
        Effect.zipRight(
          Effect.suspend(() => {
            batch.clear()
            kept = entries
            lastKept = last
            return progress.update(bytes, entries)
          })
        ),
        Effect.uninterruptible
      )
    })

    /** What was read before the fault is sound, and a resumed import begins behind it. */
    const commitAndFail = (reason: string): Effect.Effect<never, CommandFailed> =>
      Effect.zipRight(
        commit,
        Effect.suspend(() => Effect.fail(failed(reason)))
      )

    const takeFrom = (group: ReadonlyArray<Entry>, start: number): Effect.Effect<void, CommandFailed> => {
      for (let at = start; at < group.length; at++) {
        const fault = add(group[at]!)
        if (fault !== undefined) return commitAndFail(fault)
        if (batch.size >= batchSize || batch.byteLength >= maxBatchBytes) {
          return Effect.zipRight(
            commit,
            Effect.suspend(() => takeFrom(group, at + 1))
          )
        }
      }
      return Effect.void
    }

    return sourceGroups(source, after).pipe(
      Stream.runForEach((group) => takeFrom(group, 0)),
      Effect.catchTag("SourceBroken", ({ reason }) => commitAndFail(reason)),
      Effect.zipRight(commit),
      Effect.ensuring(progress.end),
      Effect.onInterrupt(() => Effect.suspend(() => writeError(`lsmkv: interrupted; ${howFar()}\n`))),
      Effect.map(() => ({ entries, bytes }))
    )
  })

/** Why a store cannot take an entry, or the source cannot be trusted to be in order. */
const faultOf = (
  store: Store,
  key: Uint8Array,
  value: Uint8Array,
  last: Uint8Array | undefined
): string | undefined => {
  const { keyBytes, valueBytes } = store.limits
  if (key.length > keyBytes) {
    return `the key ${shownKey(key)} has ${plural(key.length, "byte")}, and a store takes ${plural(keyBytes, "byte")}`
  }
  if (value.length > valueBytes) {
    const most = plural(valueBytes, "byte")
    return `the value of the key ${shownKey(key)} has ${plural(value.length, "byte")}, and a store takes ${most}`
  }
  const order = last === undefined ? -1 : Buffer.compare(last, key)
  if (order === 0) return `the key ${shownKey(key)} comes twice, and a store has one value for it`
  return order > 0
    ? `the key ${shownKey(key)} comes after ${shownKey(last!)}: the source does not order its keys by bytes`
    : undefined
}

/** A batch is held in memory, so long values end it before the batch size does. */
const maxBatchBytes = 16 * 1024 * 1024
