/**
 * The types of damage, verification and repair.
 *
 * @since 3.0.0
 */
import type { Damage } from "./core/storage/damage.js"
import type { Tuning } from "./LsmOptions.js"

export type {
  /**
   * A part of a file that no longer holds what was written there.
   *
   * @since 3.0.0
   * @category models
   */
  Damage,
  /**
   * The keys that damage may concern: all keys in the damaged part lie in [from, to]. An undefined
   * bound is unlimited.
   *
   * @since 3.0.0
   * @category models
   */
  LostKeys
} from "./core/storage/damage.js"

/**
 * The progress of a verification. `file` is being checked; `bytes` of the `total` bytes of all
 * files are done.
 *
 * @since 3.0.0
 * @category models
 */
export interface Progress {
  readonly _tag: "Progress"
  readonly file: string
  readonly bytes: number
  readonly total: number
}

/**
 * A problem that verification found. An `error` is damage, which makes opening or reads fail. A
 * `notice` is something that the next opening handles, such as a torn end of the log or an orphan.
 *
 * @since 3.0.0
 * @category models
 */
export interface Finding extends Damage {
  readonly _tag: "Finding"
  readonly severity: "error" | "notice"
}

/**
 * The last event of a verification: what was checked, and how many problems were found.
 *
 * @since 3.0.0
 * @category models
 */
export interface Verified {
  readonly _tag: "Verified"
  readonly tables: number
  readonly segments: number
  /** Sound entries of tables, including old versions and tombstones. */
  readonly entries: number
  /** Sound records of the log. */
  readonly records: number
  /** Findings of severity `error`. */
  readonly errors: number
  /** Findings of severity `notice`. */
  readonly notices: number
}

/**
 * An event of a verification: progress, a finding, or the summary at the end.
 *
 * @since 3.0.0
 * @category models
 */
export type VerifyEvent = Progress | Finding | Verified

/**
 * Options of `verify`.
 *
 * @since 3.0.0
 * @category models
 */
export interface VerifyOptions {
  /** The store's directory. */
  readonly directory: string
}

/**
 * Options of `repair`. The tuning options apply to the new store.
 *
 * @since 3.0.0
 * @category models
 */
export interface RepairOptions extends Tuning {
  /** The directory of the new store. It must be empty or absent. */
  readonly into: string
}

/**
 * The report of a repair.
 *
 * @since 3.0.0
 * @category models
 */
export interface RepairReport {
  /** The directory of the damaged store. */
  readonly directory: string
  /** The directory of the new store. */
  readonly into: string
  /** Table files read. */
  readonly tables: number
  /** Log segments read. */
  readonly segments: number
  /** Sound records of the log. */
  readonly records: number
  /** Entries that the new store holds. */
  readonly entries: number
  /** All damage that may have lost data, with the range of keys concerned if it is known. */
  readonly lost: ReadonlyArray<Damage>
}
