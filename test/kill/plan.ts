import { WriteBatch } from "effect-lsm"
import { seeded } from "../../src/core/simulation/random.js"

/**
 * Concurrent writers in one process. Each has its own keys, so the order among writers does not
 * matter.
 */
export const writers = 4

/** The key under which each batch of a writer puts its number. */
export const markerOf = (writer: number): string => `marker ${writer}`

export interface Planned {
  readonly writes: ReadonlyArray<readonly [key: string, value: string | undefined]>
  readonly durability: "sync" | "buffered"
}

/** The nth batch of a writer, counted from 1. Writer and number determine its content. */
export const plan = (writer: number, n: number): Planned => {
  const random = seeded(writer * 1_000_003 + n)
  const below = (most: number) => Math.floor(random() * most)
  const writes: Array<readonly [string, string | undefined]> = [[markerOf(writer), String(n)]]
  for (let left = below(6); left >= 0; left--) {
    const key = `key ${writer} ${String(below(40)).padStart(2, "0")}`
    writes.push([key, below(3) === 0 ? undefined : `${n}:${"v".repeat(below(200))}`])
  }
  return { writes, durability: below(3) === 0 ? "buffered" : "sync" }
}

export const batchOf = ({ writes }: Planned): WriteBatch.WriteBatch => {
  const batch = WriteBatch.make()
  for (const [key, value] of writes) {
    if (value === undefined) batch.delete(key)
    else batch.put(key, value)
  }
  return batch
}

/** Flushes and compacts all the time, into several levels. */
export const tuning = {
  memtableBytes: 66_000,
  tableBytes: 4000,
  blockBytes: 512,
  level0Tables: 2,
  level1Bytes: 8000,
  levelRatio: 2,
  maxOpenTables: 8
} as const
