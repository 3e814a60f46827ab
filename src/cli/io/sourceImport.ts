import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LsmError, OpenError, ReadError } from "../../LsmError.js"
import type { Store } from "../../Store.js"
import { CommandFailed, type OutputClosed } from "../failure.js"
import { formatBytes, formatCount, plural } from "../help/units.js"
import { openSource, type SourceName, sourceFault } from "../sources/openSource.js"
import type { SourceOptions } from "../sources/source.js"
import { writeError, writeOutput } from "./output.js"
import { PackageDirectory } from "./packages.js"
import { makeProgress } from "./progress.js"
import { compareCounts, compareEntries, findBeginning } from "./sourceCheck.js"
import { copySource } from "./sourceCopy.js"

/** What an import from another store does. */
export interface SourceImport {
  readonly from: SourceName
  readonly source: SourceOptions
  readonly openStore: Effect.Effect<Store, CommandFailed | OpenError | ReadError, Scope.Scope>
  readonly batchSize: number
  readonly resume: boolean
  readonly intoExisting: boolean
  readonly verify: boolean
}

/** Copies another store into this one, and checks that all of it is there. */
export const importSource = (
  given: SourceImport
): Effect.Effect<void, CommandFailed | OutputClosed | LsmError, Scope.Scope> =>
  Effect.gen(function* () {
    const { path } = given.source
    const from = yield* PackageDirectory
    // Opened first, so that no store is made beside a source that is not there.
    const source = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => openSource(given.from, from, given.source),
        catch: (error) => new CommandFailed({ message: `${path}: ${sourceFault(error)}` })
      }),
      (opened) => Effect.promise(() => opened.close())
    )
    const store = yield* given.openStore
    const isEmpty = (yield* store.collect({ limit: 1 })).length === 0
    if (!isEmpty && !given.resume && !given.intoExisting) {
      return yield* new CommandFailed({
        message: "the store has entries; give --resume to continue an import, or --into-existing to add to them"
      })
    }
    const beginning = given.resume ? yield* findBeginning(store, source) : { after: undefined, entries: 0 }
    if (beginning.entries > 0)
      yield* writeError(`lsmkv: resuming behind ${plural(beginning.entries, "entry", "entries")}\n`)

    const left = source.entries === undefined ? undefined : source.entries - beginning.entries
    const copied = yield* copySource(
      store,
      source,
      beginning.after,
      given.batchSize,
      yield* makeProgress(undefined, left)
    )
    yield* store.sync

    const beside = source.beside()
    const total = beginning.entries + copied.entries
    if (total === 0 && beside.length > 0) {
      return yield* new CommandFailed({ message: `${path}: no entries; not read were ${beside.join(", ")}` })
    }
    yield* writeOutput(`${plural(copied.entries, "entry", "entries")} (${formatBytes(copied.bytes)}) imported\n`)
    if (beside.length > 0) yield* writeOutput(`not imported: ${beside.join(", ")}\n`)
    // Beside other entries the count says nothing.
    if (isEmpty || given.resume) {
      const has = yield* compareCounts(store, source, total)
      yield* writeOutput(`the source and the store have ${plural(has, "entry", "entries")}\n`)
    }
    if (given.verify || (!isEmpty && given.intoExisting)) {
      const compared = yield* compareEntries(
        store,
        source,
        yield* makeProgress(undefined, source.entries, "comparing: ")
      )
      yield* writeOutput(`${formatCount(compared)} compared, all equal\n`)
    }
  })
