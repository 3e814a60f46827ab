import * as Effect from "effect/Effect"
import type { FileError } from "../../LsmError.js"
import * as SSTableStore from "../../SSTableStore.js"
import type { Storage } from "../../Storage.js"
import { fromTables } from "../../TableMerger.js"
import type { MergeRequest, MergeResult } from "./mergeMessages.js"

/** Merges with an SSTableStore that lives for one request and opens the input tables itself. */
export const runMerge = (request: MergeRequest): Effect.Effect<MergeResult, FileError, Storage> =>
  Effect.gen(function* () {
    const tables = yield* Effect.orDie(
      SSTableStore.make({ ...request.options, blockCacheBytes: 0, entryCacheBytes: 0 })
    )
    tables.unsafeAttach(request.storeId)
    const numbers = request.fileNumbers.values()
    const allocate = (): number => {
      const { value } = numbers.next()
      if (value === undefined) throw new Error("more files than were foreseen")
      return value
    }
    return yield* fromTables(tables).merge({ ...request, allocate })
  }).pipe(Effect.scoped)
