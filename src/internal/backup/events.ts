/**
 * A file of the store has been copied; `bytes` of the `total` bytes to copy are done.
 *
 * @since 3.1.0
 * @category models
 */
export interface BackupProgress {
  readonly _tag: "Progress"
  readonly file: string
  readonly bytes: number
  readonly total: number
}

/**
 * The last event of a backup: the generation is durable.
 *
 * @since 3.1.0
 * @category models
 */
export interface BackupMade {
  readonly _tag: "Made"
  /** The absolute path of the backup. */
  readonly directory: string
  /** The number of the generation. Numbers only grow. */
  readonly generation: number
  /** The sequence number of the newest write in it. It has all writes up to that one. */
  readonly sequence: number
  /** Files of the generation, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Those that the backup did not have yet. */
  readonly copiedFiles: number
  readonly copiedBytes: number
  /** The generations that were removed. */
  readonly removed: ReadonlyArray<number>
}

/**
 * An event of a backup.
 *
 * @since 3.1.0
 * @category models
 */
export type BackupEvent = BackupProgress | BackupMade

/**
 * Damage to a file of a backup, and the generations that cannot be restored because of it. If the
 * list of a generation is damaged, `generations` is empty and `file` is the list.
 *
 * @since 3.1.0
 * @category models
 */
export interface BackupFinding {
  readonly _tag: "Finding"
  readonly file: string
  readonly offset: number
  readonly region: string
  readonly reason: string
  readonly generations: ReadonlyArray<number>
}

/**
 * The last event of a verification.
 *
 * @since 3.1.0
 * @category models
 */
export interface BackupVerified {
  readonly _tag: "Verified"
  readonly generations: ReadonlyArray<number>
  readonly files: number
  readonly bytes: number
  /** How many findings there were. */
  readonly errors: number
}

/**
 * An event of a verification.
 *
 * @since 3.1.0
 * @category models
 */
export type BackupVerifyEvent = BackupProgress | BackupFinding | BackupVerified
