/**
 * Writes that are not in tables yet: one active memtable and a queue of frozen ones.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { applyBatch } from "./core/log/batchFormat.js"
import * as core from "./core/memtable/memtable.js"
import type { SingleMemtable } from "./core/memtable/singleMemtable.js"
import { SpareBlocks } from "./core/memtable/spareBlocks.js"
import type { InvalidArgument } from "./LsmError.js"
import { type LsmOptions, resolveOptions } from "./LsmOptions.js"

export type {
  /**
   * The key of a lookup.
   *
   * @since 3.0.0
   * @category models
   */
  LookupKey
} from "./core/bytes/lookupKey.js"
export {
  /**
   * What an entry is: a value, a deletion, or a deletion of a range of keys.
   *
   * @since 3.0.0
   * @category models
   */
  EntryKind
} from "./core/cursor/entryKind.js"
export type {
  /**
   * A position among the versions of keys, older versions and deletions included.
   *
   * @since 3.0.0
   * @category models
   */
  InternalCursor
} from "./core/cursor/internalCursor.js"
export type {
  /**
   * The result of a lookup.
   *
   * @since 3.0.0
   * @category models
   */
  LookupResult
} from "./core/cursor/lookupResult.js"
export type {
  /**
   * Takes the operations of a batch.
   *
   * @since 3.0.0
   * @category models
   */
  BatchTarget
} from "./core/log/batchFormat.js"
export {
  /**
   * Passes each operation of an encoded batch to a target, in order. Throws if the bytes are not a
   * batch.
   *
   * @since 3.0.0
   * @category models
   */
  applyBatch
} from "./core/log/batchFormat.js"
export type {
  /**
   * One memtable, active or frozen.
   *
   * @since 3.0.0
   * @category models
   */
  SingleMemtable
} from "./core/memtable/singleMemtable.js"
export type {
  /**
   * Deletes the keys in the half-open range [start, end) that were written before `sequence`.
   *
   * @since 3.1.0
   * @category models
   */
  RangeDeletion
} from "./core/ranges/rangeDeletion.js"

/**
 * It holds no file and starts no fiber, so all of it is synchronous.
 *
 * @since 3.0.0
 * @category models
 */
export interface MemtableService {
  /** Starts empty. The first record will be in this log segment. */
  readonly unsafeBegin: (segment: number) => void
  /** Applies the batch at `bytes[start, end)`. The log has kept it. */
  readonly unsafeApply: (bytes: Uint8Array, start: number, end: number) => void
  readonly unsafeActive: () => SingleMemtable
  /** The frozen memtables, oldest first. */
  readonly unsafeFrozen: () => ReadonlyArray<SingleMemtable>
  /** All memtables, newest first. Lookups search them in this order. */
  readonly unsafeAll: () => ReadonlyArray<SingleMemtable>
  /** Freezes the active memtable. The next one starts with `segment`. */
  readonly unsafeFreeze: (segment: number) => void
  /**
   * Releases a frozen memtable whose table is durable. It is not used any more, and later memtables may
   * take its memory; cursors of `newestCursors` stay valid.
   */
  readonly unsafeRelease: (memtable: SingleMemtable) => void
}

/**
 * @since 3.0.0
 * @category tags
 */
export class Memtable extends Context.Tag("effect-lsm/Memtable")<Memtable, MemtableService>() {}

/**
 * @since 3.0.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<MemtableService, InvalidArgument> =>
  Effect.map(resolveOptions(options), ({ memtableBytes, valueThreshold }) => {
    const spare = new SpareBlocks()
    const begin = (segment: number) => new core.Memtable(segment, memtableBytes, spare, valueThreshold)
    let active = begin(0)
    let frozen: ReadonlyArray<core.Memtable> = []
    let all: ReadonlyArray<core.Memtable> = [active]
    const arrange = () => {
      all = [active, ...frozen.toReversed()]
    }
    return {
      unsafeBegin: (segment) => {
        active = begin(segment)
        arrange()
      },
      unsafeApply: (bytes, start, end) => applyBatch(bytes, start, end, active),
      unsafeActive: () => active,
      unsafeFrozen: () => frozen,
      unsafeAll: () => all,
      unsafeFreeze: (segment) => {
        frozen = [...frozen, active]
        active = begin(segment)
        arrange()
      },
      unsafeRelease: (memtable) => {
        const released = frozen.filter((other) => other === memtable)
        frozen = frozen.filter((other) => other !== memtable)
        arrange()
        for (const table of released) table.recycle()
      }
    }
  })

/**
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Memtable, InvalidArgument> =>
  Layer.effect(Memtable, make(options))
