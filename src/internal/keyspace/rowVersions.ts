import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { decodeTuple } from "../../core/keys/decodeTuple.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import { afterAll } from "../../core/keys/prefixRange.js"
import type { DecodeFailed } from "../../KeyspaceError.js"
import { InvalidArgument } from "../../LsmError.js"
import type { OrderedStoreService, WriteError } from "../../OrderedStore.js"
import type { Migrated, Slot } from "./directory.js"
import { versionKey } from "./reserved.js"

/** The newest version of a keyspace's values that a program has had, and how far its rows are migrated. */
export const versionBytes = (version: number, migrated: Migrated): Uint8Array =>
  encodeTuple([version, typeof migrated === "string" ? migrated === "all" : migrated])

const readVersion = (bytes: Uint8Array): { readonly version: number; readonly migrated: Migrated } => {
  try {
    const [version, migrated] = decodeTuple(bytes, 0)
    if (typeof version === "number") {
      return { version, migrated: migrated instanceof Uint8Array ? migrated : migrated === true ? "all" : "none" }
    }
  } catch {
    // What cannot be read is not known: rows say their version themselves.
  }
  return { version: 1, migrated: "none" }
}

/**
 * Compares the version of a program with that of a keyspace. A program of an earlier one is refused: it
 * could not read what later ones have written. One of a later version is noted.
 */
export const openVersion = (
  store: OrderedStoreService,
  name: string,
  slot: Slot,
  version: number
): Effect.Effect<void, WriteError | DecodeFailed> =>
  Effect.flatMap(store.get(versionKey(slot.id)), (stored) => {
    const known = Option.isSome(stored) ? readVersion(stored.value) : { version: 1, migrated: "all" as const }
    if (known.version > version) {
      const reason = `make version ${version}, and "${name}" was opened with version ${known.version} before`
      return Effect.fail(new InvalidArgument({ argument: "migrations", reason }))
    }
    slot.migrated = known.version === version ? known.migrated : "none"
    if (known.version === version) return Effect.void
    const note = store.put(versionKey(slot.id), versionBytes(version, "none"), { durability: "buffered" })
    // Rows are migrated when they are read, so a store that is only read needs no note.
    return Effect.catchAll(note, (error) => (error._tag === "StoreReadOnly" ? Effect.void : Effect.fail(error)))
  })

/** The keys of a keyspace or an index. */
export const wholeOf = ({ prefix }: Slot) => ({ start: prefix, end: afterAll(prefix) })
