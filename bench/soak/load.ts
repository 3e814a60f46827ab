import { largeEntries } from "../lib/entries.js"
import type { Figures } from "../lib/row.js"
import { inBatches, type Open, whole, withSession } from "../lib/session.js"
import { makeTape, mixes } from "../lib/ycsb.js"
import type { Work } from "../loops/loop.js"
import { usual } from "../peers/peer.js"

export interface Soak {
  readonly directory: string
  readonly entries: number
  readonly seconds: number
}

export interface Soaked {
  readonly figures: Figures
  /** For each second: the operations done, and below the longest of them in milliseconds. */
  readonly throughput: ReadonlyArray<number>
  readonly longest: ReadonlyArray<number>
}

/**
 * Counts times in buckets, each 5 % larger than the one before, from 0.1 µs on. Takes constant
 * memory.
 */
const makeHistogram = () => {
  const counts = new Float64Array(500)
  const [least, growth] = [1e-4, Math.log(1.05)]
  let total = 0
  return {
    add: (millis: number) => {
      const bucket = Math.ceil(Math.log(Math.max(millis, least) / least) / growth)
      counts[Math.min(bucket, counts.length - 1)]!++
      total++
    },
    quantile: (part: number): number => {
      let bucket = 0
      for (let below = counts[0]!; below <= part * total; below += counts[bucket]!) bucket++
      return least * Math.exp(bucket * growth)
    }
  }
}

const slice = 500

/**
 * Half gets and half puts of existing keys, with YCSB's zipfian distribution, for `seconds`
 * seconds.
 */
export const soak = async (open: Open, { directory, entries: count, seconds }: Soak): Promise<Soaked> => {
  const entries = largeEntries(count)
  const tape = makeTape(mixes.A, 1_000_000, count)
  const times = new Float64Array(tape.kinds.length)
  const work: Work = { entries, order: new Uint32Array(0), tape, times }
  const throughput = new Array<number>(seconds).fill(0)
  const longest = new Array<number>(seconds).fill(0)
  const histogram = makeHistogram()
  return withSession(open, directory, usual, async (session) => {
    await inBatches(session, entries)
    let at = 0
    const begin = performance.now()
    for (let second = 0; second < seconds; second = Math.floor((performance.now() - begin) / 1000)) {
      // A course starts at operation 0, so each slice gets its part of the tape as a separate tape.
      const part = {
        ...tape,
        kinds: tape.kinds.subarray(at, at + slice),
        indexes: tape.indexes.subarray(at, at + slice)
      }
      await session.run("timedMix", { ...work, tape: part }, whole(slice, slice))
      at = (at + slice) % tape.kinds.length
      throughput[second]! += slice
      for (let i = 0; i < slice; i++) {
        const time = times[i]!
        histogram.add(time)
        if (time > longest[second]!) longest[second] = time
      }
    }
    const done = throughput.reduce((sum, operations) => sum + operations, 0)
    const figures = {
      "ops/s": done / seconds,
      "slowest second, ops/s": Math.min(...throughput),
      "p99.9 µs": histogram.quantile(0.999) * 1000,
      "longest stall ms": Math.max(...longest)
    }
    return { figures, throughput, longest }
  })
}
