/**
 * Damage, and what can be done about it: what verification finds, what salvage and repair have to give up.
 *
 * @since 0.1.0
 */
import type { Damage } from "./core/storage/damage.js"
import type { Tuning } from "./LsmOptions.js"

export type {
  /**
   * A piece of a file that cannot be read as what was written there.
   *
   * @since 0.1.0
   * @category models
   */
  Damage,
  /**
   * Every key that had a place in a damaged piece lies in [from, to]; undefined is unbounded.
   *
   * @since 0.1.0
   * @category models
   */
  LostKeys
} from "./core/storage/damage.js"

/**
 * So much of the store has been checked. `bytes` and `total` count over all files.
 *
 * @since 0.1.0
 * @category models
 */
export interface Progress {
  readonly _tag: "Progress"
  readonly file: string
  readonly bytes: number
  readonly total: number
}

/**
 * Something that is not as it should be. An `error` is damage, which keeps the store from being opened or from answering; a `notice`
 * is what opening takes care of by itself, such as a torn end of the log or an orphan.
 *
 * @since 0.1.0
 * @category models
 */
export interface Finding extends Damage {
  readonly _tag: "Finding"
  readonly severity: "error" | "notice"
}

/**
 * The last event of a verification: what there was to check.
 *
 * @since 0.1.0
 * @category models
 */
export interface Verified {
  readonly _tag: "Verified"
  readonly tables: number
  readonly segments: number
  /** Sound entries of tables, older versions and tombstones included. */
  readonly entries: number
  /** Sound records of the log. */
  readonly records: number
  readonly errors: number
  readonly notices: number
}

/**
 * @since 0.1.0
 * @category models
 */
export type VerifyEvent = Progress | Finding | Verified

/**
 * @since 0.1.0
 * @category models
 */
export interface VerifyOptions {
  /** The store's directory. */
  readonly directory: string
}

/**
 * How a store is repaired, and how the new one is set up.
 *
 * @since 0.1.0
 * @category models
 */
export interface RepairOptions extends Tuning {
  /** Where the new store is made: a directory that is empty, or not there yet. */
  readonly into: string
}

/**
 * What a repair did.
 *
 * @since 0.1.0
 * @category models
 */
export interface RepairReport {
  readonly directory: string
  readonly into: string
  /** Table files read. */
  readonly tables: number
  /** Log segments read. */
  readonly segments: number
  /** Records of the log that were sound. */
  readonly records: number
  /** Entries that the new store holds. */
  readonly entries: number
  /** All damage that may have cost data, with the keys that are concerned where that is known. */
  readonly lost: ReadonlyArray<Damage>
}
