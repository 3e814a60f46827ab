import * as Effect from "effect/Effect"
import { type LsmError, type LsmOptions, type Maintenance, type Store, WriteBatch } from "effect-lsm"
import { compare } from "../../src/core/bytes/bytes.js"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { directory, diskOf, type Files, withStore } from "./laboratory.js"
import { openStore } from "./openStore.js"
import { messageMerger } from "./simulatedThread.js"

/** A store with several levels and a log, and every value that its keys ever had. */
export interface History {
  readonly files: Files
  /** The values of each key in the order of the writes. Undefined is a deletion. */
  readonly values: ReadonlyMap<string, ReadonlyArray<string | undefined>>
}

const plainLevels: LsmOptions.Tuning = {
  memtableBytes: 200_000,
  blockBytes: 200,
  restartInterval: 4,
  tableBytes: 900,
  level0Tables: 2,
  level1Bytes: 2000,
  levelRatio: 2,
  compression: "none"
}

export const levels = plainLevels

type WithStore = <A, E>(
  disk: MemoryDisk,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  options: LsmOptions.Tuning
) => Effect.Effect<A, E | LsmError.OpenError>

/** Runs `use` with the store of a disk, whose flushes and compactions run in a simulated thread. */
export const withThreadedStore: WithStore = (disk, use, options) =>
  openStore(fromMemoryDisk(disk), { directory, ...options }, { merger: messageMerger(queueMicrotask) }).pipe(
    Effect.flatMap(use),
    Effect.scoped
  )

/**
 * Overwrites keys repeatedly, deletes some, and ends with records that are only in the log. Values
 * have `valueBytes` more bytes than they need.
 */
const makeHistory = (
  isHeld: boolean,
  levels: LsmOptions.Tuning = plainLevels,
  valueBytes = 0,
  withStoreOf: WithStore = withStore
): Effect.Effect<History> =>
  Effect.gen(function* () {
    const values = new Map<string, Array<string | undefined>>()
    const disk = diskOf()
    const write = (store: Store.Store, round: number) =>
      Effect.gen(function* () {
        for (let from = 0; from < 60; from += 20) {
          const batch = WriteBatch.make()
          for (let i = from; i < from + 20; i++) {
            if ((i * 7 + round * 3) % 5 === 0) continue
            const key = `key${String(i).padStart(3, "0")}`
            const value = (i + round) % 6 === 0 ? undefined : `${key} in round ${round} ${"x".repeat(i + valueBytes)}`
            if (value === undefined) batch.delete(key)
            else batch.put(key, value)
            values.set(key, [...(values.get(key) ?? []), value])
          }
          yield* store.write(batch)
        }
      })
    yield* withStoreOf(
      disk,
      (store) =>
        Effect.gen(function* () {
          for (let round = 0; round < 4; round++) {
            yield* write(store, round)
            yield* store.flush
            if (round === 1) yield* store.compact()
          }
          yield* write(store, 4)
        }),
      levels
    )
    yield* withStoreOf(disk, (store) => write(store, 5), levels)
    if (!isHeld) return { files: disk.contents(), values }
    const files = yield* withStoreOf(
      disk,
      (store) =>
        Effect.gen(function* () {
          const cursor = yield* store.cursor()
          yield* cursor.first
          yield* write(store, 6)
          yield* store.compact()
          yield* write(store, 7)
          return disk.contents()
        }).pipe(Effect.scoped),
      levels
    )
    return { files, values }
  }).pipe(Effect.orDie)

/** Builds a history once. No test changes it. */
const once = (make: Effect.Effect<History>): Effect.Effect<History> => {
  let built: History | undefined
  return Effect.suspend(() =>
    built === undefined
      ? Effect.map(make, (made) => {
          built = made
          return made
        })
      : Effect.succeed(built)
  )
}

export const history = once(makeHistory(false))

/**
 * The history of a store that crashed while a reader held tables that a compaction had replaced.
 * These tables are still in the directory.
 */
export const heldHistory = once(makeHistory(true))

/** A history whose values of 30 bytes and more lie in value files. Its tables are compressed. */
export const separatedHistory = once(makeHistory(false, { ...plainLevels, valueThreshold: 30, compression: "lz4" }))

/** A history whose values lie in segments of the log. */
export const loggedHistory = once(makeHistory(false, { ...plainLevels, valueThreshold: 30 }, 300, withThreadedStore))

/** The entries of the store if nothing is lost. */
export const newest = ({ values }: History): ReadonlyArray<readonly [string, string]> =>
  [...values]
    .flatMap(([key, versions]) => {
      const last = versions.at(-1)
      return last === undefined ? [] : [[key, last] as const]
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))

/**
 * Returns what is wrong with the entries salvaged from a damaged store, or undefined. A key outside
 * the reported damage must have its newest value. Other keys may have an older value or none, but
 * never one that was not written.
 */
export const faultOfSalvage = (
  { values }: History,
  found: ReadonlyArray<readonly [string, string]>,
  lost: ReadonlyArray<Maintenance.Damage>
): string | undefined => {
  const there = new Map(found)
  for (const key of there.keys()) if (!values.has(key)) return `${key} was never written`
  for (const [key, versions] of values) {
    const value = there.get(key)
    if (value === versions.at(-1)) continue
    if (value !== undefined && !versions.includes(value)) return `${key} never was ${value}`
    const bytes = Buffer.from(key)
    const isTold = lost.some(
      ({ keys }) =>
        keys === undefined ||
        ((keys.from === undefined || compare(keys.from, bytes) <= 0) &&
          (keys.to === undefined || compare(keys.to, bytes) >= 0))
    )
    if (!isTold) return `${key} is ${value}, not ${versions.at(-1)}, without a report of damage`
  }
  return undefined
}
