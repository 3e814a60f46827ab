import { seeded } from "../../src/core/simulation/random.js"
import type { Change, Step, Workload } from "./workload.js"

const key = (n: number): string => `key-${String(n).padStart(4, "0")}`
const value = (n: number, length = 20): string => `${n}:`.padEnd(length, "v")
const put = (...numbers: ReadonlyArray<number>): Step => ({
  _tag: "Batch",
  writes: numbers.map((n) => [key(n), value(n)])
})
const overwrite = (...numbers: ReadonlyArray<number>): Step => ({
  _tag: "Batch",
  writes: numbers.map((n) => [key(n), value(n, 30 + n)])
})
const remove = (...numbers: ReadonlyArray<number>): Step => ({
  _tag: "Batch",
  writes: numbers.map((n) => [key(n), undefined])
})
const removeRange = (from: number, to: number): Step => ({ _tag: "Batch", writes: [[key(from), { end: key(to) }]] })
/** Values so large that a thread leaves them in the log. */
const large = (round: number, from: number, to: number): Step => ({
  _tag: "Batch",
  writes: range(from, to).map((n) => [key(n), value(round, 600 + n)])
})
/** Values that expire after a time. */
const lend = (ttl: number, ...numbers: ReadonlyArray<number>): Step => ({
  _tag: "Batch",
  writes: numbers.map((n) => [key(n), { value: value(n, 25 + n), ttl }])
})
const lendUntil = (expiresAt: number, ...numbers: ReadonlyArray<number>): Step => ({
  _tag: "Batch",
  writes: numbers.map((n) => [key(n), { value: value(n, 40 + n), expiresAt }])
})
const expire = (n: number, ttl: number): Step => ({ _tag: "Expire", key: key(n), ttl })
const persist = (n: number): Step => ({ _tag: "Expire", key: key(n), ttl: undefined })
const wait = (millis: number): Step => ({ _tag: "Wait", millis })
const flush: Step = { _tag: "Flush" }
const compact: Step = { _tag: "Compact" }
const checkpoint = (...batches: ReadonlyArray<number>): Step => ({
  _tag: "Checkpoint",
  batches: batches.map((n) => [[key(n), value(n, 50)]])
})
const flushedCheckpoint: Step = { _tag: "Checkpoint", batches: [], flush: true }
const snapshot: Step = { _tag: "Snapshot" }
const sync: Step = { _tag: "Sync" }
const reopen: Step = { _tag: "Reopen" }
const range = (from: number, to: number): Array<number> => Array.from({ length: to - from }, (_, i) => from + i)

/**
 * Two keys of 50 KiB. The manifest holds the first and the last key of each table, so it soon rolls
 * over.
 */
const wide = (n: number) => ["a", "z"].map((letter) => [`${letter}${n}`.padEnd(50 * 1024, letter), "v"] as const)

/** Random steps, drawn from a seed. */
const mixture = (seed: number, length: number, size: number): ReadonlyArray<Step> => {
  const random = seeded(seed)
  const below = (n: number) => Math.floor(random() * n)
  return range(0, length).map((i): Step => {
    const kind = below(20)
    if (kind === 0) return flush
    if (kind === 1) return compact
    if (kind === 2) return reopen
    if (kind === 3) return sync
    const writes = range(0, 1 + below(size)).map(
      () => [key(below(40)), below(4) === 0 ? undefined : value(i, 10 + below(60))] as const
    )
    return kind < 7 ? { _tag: "Together", batches: writes.map((write) => [write]) } : { _tag: "Batch", writes }
  })
}

/** The same with range deletions. */
const withRanges = (seed: number, length: number, size: number): ReadonlyArray<Step> => {
  const random = seeded(seed + 1000)
  const below = (n: number) => Math.floor(random() * n)
  return mixture(seed, length, size).map((step): Step => {
    if (step._tag !== "Batch" || below(3) > 0) return step
    const from = below(40)
    const writes = [...step.writes]
    writes.splice(below(writes.length + 1), 0, [key(from), { end: key(from + 1 + below(15)) }])
    return { _tag: "Batch", writes }
  })
}

/** The same with values that expire, times that are changed, and time that passes. */
const withTimes = (seed: number, length: number, size: number): ReadonlyArray<Step> => {
  const random = seeded(seed + 2000)
  const below = (n: number) => Math.floor(random() * n)
  const ttl = () => [1, 10, 50, 1_000_000][below(4)]!
  const steps = withRanges(seed, length, size).flatMap((step): ReadonlyArray<Step> => {
    if (below(6) === 0) return [step, wait([1, 9, 60][below(3)]!)]
    if (below(12) === 0) return [step, below(3) === 0 ? persist(below(40)) : expire(below(40), ttl())]
    if (step._tag !== "Batch") return [step]
    const writes = step.writes.map(([name, held]): Change => {
      if (typeof held !== "string" || below(2) === 0) return [name, held]
      return [name, { value: held, ttl: ttl() }]
    })
    return [{ _tag: "Batch", writes }]
  })
  return [wait(1000), ...steps]
}

const small = {
  memtableBytes: 8_500,
  tableBytes: 600,
  blockBytes: 128,
  level1Bytes: 1500,
  level0Tables: 2,
  levelRatio: 2
}

/** Every value of 30 bytes or more is separated, and value files are small. */
const separated = { ...small, valueThreshold: 30 }

/** The workloads that `npm run test:crash` explores, and the tests in part. */
export const workloads: ReadonlyArray<Workload> = [
  { name: "single puts", tuning: {}, steps: range(0, 12).map((n) => put(n)) },
  {
    name: "a directory of the application's making",
    tuning: {},
    steps: [put(1), put(2), flush, put(3), reopen, put(4)],
    madeBefore: true
  },
  {
    name: "batches",
    tuning: {},
    steps: [put(...range(0, 30)), put(...range(10, 50)), remove(...range(0, 20)), put(1)]
  },
  { name: "one large batch", tuning: {}, steps: [put(...range(0, 400)), put(1)] },
  {
    name: "writers together",
    tuning: {},
    steps: range(0, 8).map((round) => ({
      _tag: "Together" as const,
      batches: range(0, 6).map((n) => [[key(round * 6 + n), value(n)] as const])
    }))
  },
  {
    name: "checkpoints",
    tuning: {},
    steps: [put(1, 2), checkpoint(3, 4), remove(1), flush, put(5), checkpoint(), put(6)]
  },
  {
    name: "checkpoints of tables, by flushes",
    tuning: small,
    steps: [put(1, 2, 3), flushedCheckpoint, overwrite(1, 2), flush, checkpoint(5, 6, 7), compact, put(8)]
  },
  {
    name: "checkpoints of separated values",
    tuning: separated,
    steps: [overwrite(1, 2, 3), flush, overwrite(2, 3), compact, checkpoint(4, 5), overwrite(1), compact],
    syncTurns: 20
  },
  {
    name: "checkpoints of large values",
    tuning: { ...small, valueThreshold: 300, durability: "buffered" },
    steps: [large(1, 0, 4), flush, checkpoint(20, 21), large(2, 0, 3), flush, reopen, checkpoint(22)]
  },
  { name: "overwrites", tuning: {}, steps: range(0, 12).map((n) => ({ _tag: "Batch", writes: [[key(1), value(n)]] })) },
  { name: "deletes", tuning: {}, steps: [put(1, 2, 3), remove(2), flush, remove(1), put(4), flush, compact, put(2)] },
  { name: "flush", tuning: {}, steps: [put(1, 2), flush, put(3), flush, put(4), remove(1)] },
  {
    name: "snapshots",
    tuning: small,
    steps: [
      put(1, 2, 3),
      snapshot,
      overwrite(1, 2),
      remove(3),
      snapshot,
      overwrite(1, 3),
      flush,
      put(2),
      flush,
      compact
    ]
  },
  {
    name: "flush and reopen",
    tuning: {},
    steps: [put(1), flush, reopen, put(2), reopen, flush, put(3), reopen, remove(1)]
  },
  { name: "reopen again and again", tuning: {}, steps: range(0, 5).flatMap((n) => [put(n), reopen]) },
  {
    name: "compaction",
    tuning: small,
    steps: [
      ...range(0, 4).flatMap((n) => [put(...range(n * 5, n * 5 + 12)), flush]),
      compact,
      remove(...range(3, 9)),
      flush,
      compact
    ]
  },
  {
    name: "levels",
    tuning: small,
    steps: range(0, 8).flatMap((n) => [put(...range(n * 7, n * 7 + 10)), remove(n * 3), flush])
  },
  {
    name: "tombstones",
    tuning: small,
    steps: [put(...range(0, 20)), compact, remove(...range(5, 15)), flush, put(7), compact, reopen, remove(7), compact]
  },
  {
    name: "range deletions",
    tuning: small,
    steps: [
      put(...range(0, 20)),
      flush,
      removeRange(5, 15),
      put(7),
      flush,
      removeRange(0, 3),
      reopen,
      put(1),
      compact,
      removeRange(0, 40),
      flush,
      put(2, 30),
      flush,
      compact
    ]
  },
  {
    name: "range deletions over many tables",
    tuning: { ...small, tableBytes: 1, durability: "buffered" },
    steps: [
      put(...range(0, 16)),
      flush,
      compact,
      snapshot,
      removeRange(2, 12),
      flush,
      put(4),
      removeRange(10, 14),
      flush,
      reopen,
      compact,
      removeRange(0, 5),
      flush,
      compact
    ],
    syncTurns: 20
  },
  ...[false, true].map((isBuffered) => ({
    name: isBuffered ? "kept history, buffered" : "kept history",
    tuning: {
      ...small,
      changeRetention: { bytes: Number.POSITIVE_INFINITY },
      ...(isBuffered ? { durability: "buffered" as const, memtableBytes: 1 } : {})
    },
    steps: [
      ...range(0, 4).flatMap((n) => [put(n, n + 1), removeRange(n, n + 3), put(n + 2), flush]),
      reopen,
      put(3),
      compact,
      put(4),
      reopen,
      remove(4),
      flush
    ]
  })),
  {
    name: "values that expire",
    tuning: small,
    steps: [
      lend(100, 1, 2, 3),
      lendUntil(50, 4, 5),
      put(6, 7),
      flush,
      wait(50),
      expire(2, 500),
      persist(3),
      persist(4),
      flush,
      lend(10, 6),
      wait(10),
      reopen,
      put(4),
      lend(1000, 7),
      compact,
      wait(40),
      removeRange(6, 8),
      lend(5, 1),
      flush,
      wait(1000),
      put(9),
      compact
    ]
  },
  {
    name: "values that expire over older ones",
    tuning: small,
    steps: [
      put(...range(0, 12)),
      compact,
      lend(10, 1, 2, 3, 4),
      flush,
      lend(20, 3, 4, 5),
      lend(100_000, 11),
      snapshot,
      wait(10),
      put(20),
      flush,
      { _tag: "Checkpoint", batches: [[[key(21), { value: value(21), ttl: 15 }]]] },
      wait(10),
      put(22),
      flush,
      reopen,
      compact,
      put(2),
      wait(15),
      flush
    ]
  },
  {
    name: "values that expire, and the clock goes back",
    tuning: small,
    steps: [
      put(...range(0, 8)),
      lend(1_000_000, 30),
      flush,
      lend(10, 1, 2),
      lend(30, 3),
      wait(10),
      put(9),
      flush,
      lend(15, 4),
      flush,
      wait(15),
      reopen,
      put(10),
      flush,
      compact,
      lend(5, 5),
      wait(20),
      put(11),
      flush
    ],
    clockGoesBack: true
  },
  ...[false, true].map(
    (isBuffered): Workload => ({
      name: isBuffered ? "large values that expire, buffered" : "separated values that expire",
      tuning: { ...separated, ...(isBuffered ? { durability: "buffered" as const } : {}) },
      steps: [
        ...range(0, 3).flatMap((n): ReadonlyArray<Step> => {
          const writes = range(0, 6).map(
            (i): Change => [key(i), { value: value(n, isBuffered ? 600 + i : 20 + i * 20), ttl: 20 + n * 10 + i }]
          )
          return [{ _tag: "Batch", writes }, large(n, 6, 9), flush, wait(12)]
        }),
        persist(1),
        expire(2, 1000),
        compact,
        reopen,
        remove(3),
        wait(15),
        flush,
        wait(1000),
        put(8),
        compact
      ]
    })
  ),
  {
    name: "values that expire in a kept history",
    tuning: { ...small, changeRetention: { bytes: Number.POSITIVE_INFINITY } },
    steps: [
      ...range(0, 3).flatMap((n) => [lend(10 + n, n, n + 1), put(n + 2), wait(5), flush]),
      reopen,
      expire(4, 50),
      removeRange(0, 2),
      wait(20),
      compact,
      lend(10, 1),
      reopen,
      put(3)
    ]
  },
  ...range(37, 41).map((seed) => ({
    name: `mixture ${seed}, values that expire`,
    tuning: {
      ...(seed < 39 ? small : separated),
      ...(seed % 2 === 0 ? { memtableBytes: 1 } : { durability: "buffered" as const })
    },
    steps: withTimes(seed, 45, 5)
  })),
  { name: "rotation", tuning: { ...small, memtableBytes: 1 }, steps: range(0, 8).map((n) => put(n, n + 1)) },
  {
    name: "rotation under load",
    tuning: { ...small, memtableBytes: 1 },
    steps: range(0, 3).map((round) => ({
      _tag: "Together" as const,
      batches: range(0, 5).map((n) => [[key(round + n), value(round * 10 + n)] as const])
    }))
  },
  {
    name: "buffered",
    tuning: { durability: "buffered" },
    steps: [put(1), put(2), put(3), sync, put(4), remove(1), put(5)]
  },
  {
    name: "buffered with rotation",
    tuning: { ...small, durability: "buffered", memtableBytes: 1 },
    steps: [...range(0, 6).map((n) => put(n)), sync, ...range(6, 10).map((n) => put(n))]
  },
  {
    name: "rotation on a slow disk",
    tuning: { ...small, durability: "buffered", level0Tables: 4 },
    steps: range(0, 11).map((n) => ({ _tag: "Batch", writes: [[key(n), value(n, 1500)]] })),
    syncTurns: 40
  },
  {
    name: "buffered flush",
    tuning: { ...small, durability: "buffered" },
    steps: [put(1), put(2), flush, put(3), remove(1), flush, put(4)]
  },
  {
    name: "interval",
    tuning: { durability: { interval: "1 hour", maxBytes: 200 } },
    steps: [...range(0, 10).map((n) => put(n)), sync, put(11), put(12)]
  },
  {
    name: "long values",
    tuning: {},
    steps: range(0, 4).map((n) => ({ _tag: "Batch", writes: [[key(n), value(n, 9000)]] }))
  },
  {
    name: "no filter, tiny blocks",
    tuning: { ...small, filterFalsePositiveRate: 1, blockBytes: 1 },
    steps: mixture(1, 30, 5)
  },
  {
    name: "manifest roll-over",
    tuning: { level0Tables: 1000 },
    steps: range(0, 12).flatMap((n) => [{ _tag: "Batch", writes: wide(n) } as const, flush]),
    weight: 20
  },
  {
    name: "reopen with other options",
    tuning: small,
    steps: [
      ...mixture(20, 12, 5),
      { _tag: "Reopen", tuning: { ...small, blockBytes: 1, restartInterval: 1, filterFalsePositiveRate: 1 } },
      ...mixture(21, 12, 5).filter(({ _tag }) => _tag !== "Reopen"),
      { _tag: "Reopen", tuning: { ...small, durability: "buffered", memtableBytes: 1, level0Tables: 1 } },
      ...mixture(22, 12, 5).filter(({ _tag }) => _tag !== "Reopen"),
      { _tag: "Reopen", tuning: {} },
      ...mixture(23, 12, 5).filter(({ _tag }) => _tag !== "Reopen")
    ]
  },
  {
    name: "separated values",
    tuning: separated,
    steps: [
      ...range(0, 4).flatMap(
        (n): ReadonlyArray<Step> => [
          { _tag: "Batch", writes: range(0, 10).map((i) => [key(i), value(n, 20 + i * 8)]) },
          flush
        ]
      ),
      compact,
      remove(...range(2, 6)),
      flush,
      compact
    ]
  },
  {
    name: "separated values, reopened",
    tuning: separated,
    steps: [
      ...range(0, 3).flatMap(
        (n): ReadonlyArray<Step> => [
          { _tag: "Batch", writes: range(0, 6).map((i) => [key(i), value(n, 60)]) },
          flush,
          reopen
        ]
      ),
      { _tag: "Reopen", tuning: small },
      ...mixture(26, 10, 4).filter(({ _tag }) => _tag !== "Reopen"),
      compact,
      { _tag: "Reopen", tuning: { ...separated, valueThreshold: 1 } },
      ...mixture(27, 10, 4).filter(({ _tag }) => _tag !== "Reopen"),
      compact
    ]
  },
  ...[undefined, 40].map(
    (syncTurns): Workload => ({
      name: syncTurns === undefined ? "large values" : "large values on a slow disk",
      tuning: { ...separated, durability: "buffered" },
      steps: [
        ...range(0, 4).flatMap((n): ReadonlyArray<Step> => [large(n, 0, 6), large(n, 4, 9), flush]),
        remove(...range(2, 5)),
        reopen,
        large(5, 1, 4),
        flush,
        compact,
        remove(...range(0, 9)),
        flush,
        compact,
        put(1)
      ],
      ...(syncTurns === undefined ? {} : { syncTurns })
    })
  ),
  ...range(28, 32).map((seed) => ({
    name: `mixture ${seed}, separated values`,
    tuning: { ...separated, ...(seed % 2 === 0 ? { memtableBytes: 1 } : { durability: "buffered" as const }) },
    steps: mixture(seed, 50, 5)
  })),
  ...range(33, 37).map((seed) => ({
    name: `mixture ${seed}, range deletions`,
    tuning: { ...small, ...(seed % 2 === 0 ? { memtableBytes: 1 } : { durability: "buffered" as const }) },
    steps: withRanges(seed, 50, 5)
  })),
  {
    name: "recovered with larger options",
    tuning: { ...small, memtableBytes: 1 },
    steps: mixture(24, 30, 5),
    recoverWith: {}
  },
  {
    name: "recovered with smaller options",
    tuning: { durability: { interval: "1 hour", maxBytes: 100 } },
    steps: mixture(25, 30, 5),
    recoverWith: { ...small, memtableBytes: 1, blockBytes: 1, durability: "buffered" }
  },
  ...range(2, 12).map((seed) => ({ name: `mixture ${seed}`, tuning: small, steps: mixture(seed, 60, 6) })),
  ...range(12, 16).map((seed) => ({
    name: `mixture ${seed}, buffered`,
    tuning: { ...small, durability: "buffered" as const, memtableBytes: seed % 2 === 0 ? 1 : 8_500 },
    steps: mixture(seed, 50, 5)
  }))
]

/** @throws Error if no workload has that name. */
export const findWorkload = (name: string): Workload => {
  const found = workloads.find((workload) => workload.name === name)
  if (found === undefined)
    throw new Error(`no workload is called ${name}; known are ${workloads.map((w) => w.name).join(", ")}`)
  return found
}
