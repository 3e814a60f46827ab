import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ManifestState } from "../../core/manifest/manifestFile.js"
import type { StorageFile } from "../../core/storage/storageDriver.js"
import { type FileError, InvalidArgument, type WriteError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"
import type { Store } from "../../Store.js"

/** A segment of the log whose records are not all in tables. */
export interface LogPart {
  readonly segment: number
  /** Open for reading: a flush may remove the segment's name at any time. */
  readonly file: StorageFile
  /** How many of its first bytes belong to the copy. Infinite if all of them do. */
  readonly size: number
  /** Whether nothing is written to it any more, and all of it is on disk. */
  readonly isSealed: boolean
}

/** The files of a store at one sequence number. They stay readable until the scope ends. */
export interface Captured {
  /** The state for the manifest of the copy. */
  readonly state: ManifestState
  /** The names of tables and files with values. They are on disk, and never change. */
  readonly files: ReadonlyArray<string>
  readonly log: ReadonlyArray<LogPart>
  /** The sequence number of the newest write that the copy has. The log may have to be read for it. */
  readonly sequence: Effect.Effect<number, FileError>
}

/** The part of an open store that copies of it need. */
export interface StoreSource {
  readonly directory: string
  readonly storeId: Uint8Array
  readonly storage: StorageService
  /** Pins the content of the store as of now, with every write that was acknowledged before. */
  readonly capture: (options: { readonly flush: boolean }) => Effect.Effect<Captured, WriteError, Scope.Scope>
  /** Fails if the store was closed meanwhile: then its files may have gone. */
  readonly check: Effect.Effect<void, WriteError>
}

/**
 * The key of the source in a store. It is a property that no interface names, so that copies of a
 * store, such as `{ ...store }`, keep it, and stores of tests need not have it.
 */
const sourceKey: unique symbol = Symbol.for("effect-lsm/StoreSource")

interface WithSource {
  readonly [sourceKey]?: StoreSource
}

/** Returns the store with its source. */
export const withSource = <S extends object>(store: S, source: StoreSource): S => ({ ...store, [sourceKey]: source })

/** Returns the source of a store. */
export const sourceOf = (store: Store): Effect.Effect<StoreSource, InvalidArgument> =>
  Effect.suspend(() => {
    const source = (store as (Store & WithSource) | undefined)?.[sourceKey]
    return source === undefined
      ? Effect.fail(new InvalidArgument({ argument: "store", reason: "is not a store that this library has opened" }))
      : Effect.succeed(source)
  })
