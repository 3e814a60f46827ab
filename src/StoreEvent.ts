/**
 * What happens inside an open store, as typed events: see `Store.events`.
 *
 * @since 3.1.0
 */
import type { FileError } from "./LsmError.js"

/**
 * What every event has.
 *
 * @since 3.1.0
 * @category models
 */
export interface Event {
  /** When it happened, by the Clock: milliseconds since 1970. */
  readonly at: number
}

/**
 * The log was replayed while the store was opened. `reason` is how the log had ended: `new`, there
 * was no store; `closed`, in order; `notClosed`, by a crash.
 *
 * @since 3.1.0
 * @category opening
 */
export interface Recovered extends Event {
  readonly _tag: "Recovered"
  readonly reason: "new" | "closed" | "notClosed"
  /** Log segments, and records in them, that were replayed. */
  readonly segments: number
  readonly records: number
  /** The sequence number of the newest write. */
  readonly sequence: number
}

/**
 * The torn end of a file was dropped, as a crash leaves it: no write in it was acknowledged as
 * durable. `reason` is whether it was the end of the log or of the manifest.
 *
 * @since 3.1.0
 * @category opening
 */
export interface TornEndDropped extends Event {
  readonly _tag: "TornEndDropped"
  readonly reason: "log" | "manifest"
  readonly file: string
  /** Where the torn end began. Undefined for a manifest. */
  readonly offset: number | undefined
  readonly bytes: number
}

/**
 * Damage that the option `recovery` let the store leave out. `reason` says what is wrong there.
 *
 * @since 3.1.0
 * @category opening
 */
export interface DamageLeftOut extends Event {
  readonly _tag: "DamageLeftOut"
  readonly reason: string
  readonly file: string
  readonly offset: number
  /** The length of the damaged piece, if it is known. */
  readonly bytes: number | undefined
  /** The part of the format, such as `data block` or `log frame`. */
  readonly region: string
}

/**
 * A file of the store that its manifest does not name was removed: a crash had left it, or it could
 * not be removed before.
 *
 * @since 3.1.0
 * @category opening
 */
export interface OrphanRemoved extends Event {
  readonly _tag: "OrphanRemoved"
  readonly reason: "notNamed"
  readonly file: string
}

/**
 * A memtable was flushed to level 0. `reason` is why it was frozen: `full`; `asked`, by `flush`,
 * `compact` or closing; `recovery`, it was replayed from the log.
 *
 * @since 3.1.0
 * @category background work
 */
export interface Flushed extends Event {
  readonly _tag: "Flushed"
  readonly reason: "full" | "asked" | "recovery"
  /** The file numbers of the new tables. */
  readonly tables: ReadonlyArray<number>
  /** Bytes of all files written. */
  readonly bytes: number
  /** Entries of the memtable. */
  readonly entries: number
  readonly millis: number
}

/**
 * Why tables are compacted: a level has too many `tables` or `bytes`; a `manual` compaction; to drop
 * `tombstones`, old `versions` or entries that have `expired`; to collect `values`; or a deleted
 * range has `covered` all that is in them.
 *
 * @since 3.1.0
 * @category background work
 */
export type CompactionReason =
  | "tables"
  | "bytes"
  | "manual"
  | "tombstones"
  | "versions"
  | "values"
  | "covered"
  | "expired"

/**
 * Tables were compacted: merged into new ones, moved to a deeper level as they are, or dropped
 * unread.
 *
 * @since 3.1.0
 * @category background work
 */
export interface Compacted extends Event {
  readonly _tag: "Compacted"
  readonly reason: CompactionReason
  readonly how: "merged" | "moved" | "dropped"
  readonly level: number
  readonly outputLevel: number
  /** The file numbers of the tables that went in, and of those that came out. */
  readonly inputs: ReadonlyArray<number>
  readonly outputs: ReadonlyArray<number>
  /** Bytes of the inputs. */
  readonly bytesRead: number
  /** Bytes of all files written: 0 unless tables were merged. */
  readonly bytes: number
  /** Entries that were left out of a merge. */
  readonly entriesDropped: number
  readonly millis: number
}

/**
 * A table was written, is durable, and is part of the store from now on.
 *
 * @since 3.1.0
 * @category files
 */
export interface TableMade extends Event {
  readonly _tag: "TableMade"
  readonly reason: "flush" | "compaction"
  readonly table: number
  readonly level: number
  readonly bytes: number
  readonly entries: number
}

/**
 * The file of a table was removed: it was compacted, and no reader has it any more. `reason` is that
 * of the compaction.
 *
 * @since 3.1.0
 * @category files
 */
export interface TableRemoved extends Event {
  readonly _tag: "TableRemoved"
  readonly reason: CompactionReason
  readonly table: number
}

/**
 * A file with values was written, and is part of the store from now on.
 *
 * @since 3.1.0
 * @category files
 */
export interface ValueFileMade extends Event {
  readonly _tag: "ValueFileMade"
  readonly reason: "flush" | "compaction"
  readonly file: number
  readonly bytes: number
}

/**
 * A file with values was removed: no table has handles to it, and no reader has it any more.
 *
 * @since 3.1.0
 * @category files
 */
export interface ValueFileRemoved extends Event {
  readonly _tag: "ValueFileRemoved"
  readonly reason: "unused"
  readonly file: number
  readonly bytes: number
}

/** What stalls tell. */
interface Pressed extends Event {
  /** What holds writers back: tables at level 0, or memtables that wait to be flushed. */
  readonly reason: "level0Tables" | "frozenMemtables"
  readonly level0Tables: number
  readonly frozenMemtables: number
}

/**
 * Writers are held back: slowed down, or made to wait.
 *
 * @since 3.1.0
 * @category stalls
 */
export interface StallBegun extends Pressed {
  readonly _tag: "StallBegun"
  readonly pressure: "slow" | "stop"
}

/**
 * Writers that were slowed down must wait now. The stall that has begun goes on.
 *
 * @since 3.1.0
 * @category stalls
 */
export interface StallWorsened extends Pressed {
  readonly _tag: "StallWorsened"
  readonly pressure: "stop"
}

/**
 * Nothing has held writers back for a second. A stall that lasts while the store is closed has no
 * such event.
 *
 * @since 3.1.0
 * @category stalls
 */
export interface StallEnded extends Event {
  readonly _tag: "StallEnded"
  readonly reason: "calm"
  readonly level0Tables: number
  readonly frozenMemtables: number
  /** How long the stall has lasted, with the second of calm. */
  readonly millis: number
}

/**
 * A snapshot has been held for longer than the option `snapshotWarning`, and compactions keep what
 * it sees. Each snapshot has one such event, when background work next runs.
 *
 * @since 3.1.0
 * @category trouble
 */
export interface SnapshotTooOld extends Event {
  readonly _tag: "SnapshotTooOld"
  readonly reason: "notReleased"
  readonly sequence: number
  readonly heldMillis: number
  /** Where it was taken, as far as that is known: the fiber, the span, the line of a program. */
  readonly fiber: string | undefined
  readonly span: string | undefined
  readonly line: string | undefined
}

/**
 * Background work has failed. It is tried again: after 100 ms, then after twice as long each time,
 * up to 10 s. `reason` is the message of the error.
 *
 * @since 3.1.0
 * @category trouble
 */
export interface BackgroundError extends Event {
  readonly _tag: "BackgroundError"
  readonly reason: string
  readonly work: "segment preparation" | "flush" | "compaction"
  readonly error: FileError
  /** How often this work has failed since it last succeeded. */
  readonly times: number
}

/**
 * The store takes no more writes until it is opened again (`StorePoisoned`). `reason` is the message
 * of the error.
 *
 * @since 3.1.0
 * @category trouble
 */
export interface Poisoned extends Event {
  readonly _tag: "Poisoned"
  readonly reason: string
  readonly error: FileError
}

/**
 * Events that this reader has not got. More than 1,024 waited for it, or more than 256 happened while
 * the store was opened, and the oldest ones made room for newer ones.
 *
 * @since 3.1.0
 * @category trouble
 */
export interface EventsDropped extends Event {
  readonly _tag: "EventsDropped"
  readonly reason: "tooMany"
  readonly count: number
}

/**
 * An event of a store.
 *
 * @since 3.1.0
 * @category models
 */
export type StoreEvent =
  | Recovered
  | TornEndDropped
  | DamageLeftOut
  | OrphanRemoved
  | Flushed
  | Compacted
  | TableMade
  | TableRemoved
  | ValueFileMade
  | ValueFileRemoved
  | StallBegun
  | StallWorsened
  | StallEnded
  | SnapshotTooOld
  | BackgroundError
  | Poisoned
  | EventsDropped

/** An event without its time. */
type Timeless<E> = E extends Event ? Omit<E, "at"> : never

/**
 * Receives what happens. The function that makes the event is called only if someone wants it.
 *
 * @since 3.1.0
 * @category models
 */
export type Emit = (make: () => Timeless<StoreEvent>) => void
