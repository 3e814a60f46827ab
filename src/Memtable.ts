/**
 * The writes that are not yet in tables: one active memtable and a queue of frozen ones.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { applyBatch } from "./core/log/batchFormat.js"
import { Memtable as Table } from "./core/memtable/memtable.js"
import type { InvalidArgument } from "./LsmError.js"
import { type LsmOptions, settings } from "./LsmOptions.js"

export type {
  /**
   * One memtable, active or frozen.
   *
   * @since 0.1.0
   * @category models
   */
  Memtable as Table
} from "./core/memtable/memtable.js"

/**
 * It holds no file and starts no fiber, so all of it is synchronous.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemtableService {
  /** Begins, empty, with the log segment where the first record will stand. */
  readonly unsafeBegin: (segment: number) => void
  /** Applies the batch at `bytes[start, end)`, which the log has kept. */
  readonly unsafeApply: (bytes: Uint8Array, start: number, end: number) => void
  readonly unsafeActive: () => Table
  /** The frozen memtables, oldest first. */
  readonly unsafeFrozen: () => ReadonlyArray<Table>
  /** All memtables, newest first: the order in which a lookup asks them. */
  readonly unsafeAll: () => ReadonlyArray<Table>
  /** Freezes the active memtable; the next one begins with `segment`. */
  readonly unsafeFreeze: (segment: number) => void
  /** Lets go of a frozen memtable whose table is durable. */
  readonly unsafeRelease: (table: Table) => void
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Memtable extends Context.Tag("effect-lsm/Memtable")<Memtable, MemtableService>() {}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<MemtableService, InvalidArgument> =>
  Effect.map(settings(options), ({ memtableBytes }) => {
    let active = new Table(0, memtableBytes)
    let frozen: ReadonlyArray<Table> = []
    let all: ReadonlyArray<Table> = [active]
    const arrange = () => {
      all = [active, ...frozen.toReversed()]
    }
    return {
      unsafeBegin: (segment) => {
        active = new Table(segment, memtableBytes)
        arrange()
      },
      unsafeApply: (bytes, start, end) => applyBatch(bytes, start, end, active),
      unsafeActive: () => active,
      unsafeFrozen: () => frozen,
      unsafeAll: () => all,
      unsafeFreeze: (segment) => {
        frozen = [...frozen, active]
        active = new Table(segment, memtableBytes)
        arrange()
      },
      unsafeRelease: (table) => {
        frozen = frozen.filter((other) => other !== table)
        arrange()
      }
    }
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Memtable, InvalidArgument> =>
  Layer.effect(Memtable, make(options))
