import { WriteBatch } from "effect-lsm"
import { seeded } from "../crash/random.js"

/** Writers side by side in one process; each has keys of its own, so that the order among them does not matter. */
export const writers = 4

/** The key under which a writer's batches leave their number. */
export const markerOf = (writer: number): string => `marker ${writer}`

export interface Planned {
  readonly writes: ReadonlyArray<readonly [key: string, value: string | undefined]>
  readonly durability: "sync" | "buffered"
}

/** The nth batch of a writer, from 1: whoever knows its number knows what is in it. */
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

/** Flushes and compactions all the time, several levels. */
export const tuning = {
  memtableBytes: 66_000,
  tableBytes: 4000,
  blockBytes: 512,
  level0Tables: 2,
  level1Bytes: 8000,
  levelRatio: 2,
  maxOpenTables: 8
} as const
