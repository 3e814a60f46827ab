import { asFastAs, asFastAsBest } from "../lib/judges.js"
import type { Judge, Row } from "../lib/row.js"
import { mixes } from "../lib/ycsb.js"
import type { Kind } from "../loops/index.js"
import type { Style } from "../peers/session.js"
import { type Other, ours, peersBy } from "./contenders.js"
import { type MakePlan, measured } from "./plan.js"
import * as Plans from "./plans.js"

interface Core {
  readonly title: string
  readonly kind: Kind
  readonly plan: MakePlan
  readonly judges: ReadonlyArray<Judge>
  readonly styles?: ReadonlyArray<Style>
  readonly others?: ReadonlyArray<Other>
  /** Whether to measure also `ordered` durability, for the stores that have it. */
  readonly ordered?: boolean
}

/** Does not wait until the store is full. */
const hurried =
  (makePlan: MakePlan): MakePlan =>
  (run) => {
    const plan = makePlan(run)
    return { ...plan, course: { ...plan.course, limit: run.limit * 5 } }
  }

const row = ({ title, kind, plan, judges, styles = ["best"], others, ordered = false }: Core): Row => {
  const measure = measured(kind, plan)
  const variant = { label: "ordered", changed: { durability: "ordered" }, only: ["LMDB", "SQLite"] } as const
  return {
    title,
    contenders: {
      ...ours(measure, others),
      ...peersBy(kind, styles, measure),
      ...(ordered ? peersBy(kind, ["best"], measured(kind, hurried(plan)), variant) : {})
    },
    judges
  }
}

/** Compares with LevelDB alone. */
const level = asFastAs("LevelDB")
const best = asFastAsBest()

/** Measures asynchronous and synchronous calls separately if a peer has both. */
const apart = ["async", "sync"] as const

const unsafe = asFastAsBest(1, "ops/s", "effect-lsm unsafeGet")

const ycsb = (letter: keyof typeof mixes, part?: number): Row =>
  row({
    title: `YCSB ${letter}: ${mixes[letter].title}`,
    kind: "ycsb",
    plan: Plans.ycsb(mixes[letter], part),
    judges: [best]
  })

/** The rows of db_bench, with its names, and those of YCSB. */
export const coreRows: Readonly<Record<string, Row>> = {
  fillseq: row({
    title: "puts one by one, keys in order, not synced",
    kind: "puts",
    plan: Plans.fillSequential,
    judges: [best, level]
  }),
  fillrandom: row({
    title: "puts one by one, random keys, not synced",
    kind: "puts",
    plan: Plans.fillRandom,
    styles: apart,
    judges: [best, level],
    ordered: true
  }),
  fillrandom64: row({
    title: "the same, 64 at once",
    kind: "concurrentPuts",
    plan: Plans.fillConcurrently,
    judges: [best],
    styles: ["async"],
    others: ["forEach"]
  }),
  fillbatch: row({
    title: "batches of 1,000, not synced, including the time to build them; entries",
    kind: "batches",
    plan: Plans.fillRandom,
    styles: apart,
    judges: [best, level]
  }),
  overwrite: row({
    title: "puts of existing keys, random, not synced",
    kind: "puts",
    plan: Plans.overwrite,
    judges: [best, level]
  }),
  fillsync: row({
    title: "puts one by one, each on disk before it is acknowledged",
    kind: "puts",
    plan: Plans.fillSynced,
    styles: apart,
    judges: [best]
  }),
  fillsync64: row({
    title: "the same, 64 at once",
    kind: "concurrentPuts",
    plan: Plans.fillSyncedConcurrently,
    judges: [asFastAsBest(2)],
    styles: ["async"],
    others: ["forEach"]
  }),
  readrandom: row({
    title: "gets of each key once in random order",
    kind: "gets",
    plan: Plans.readRandom,
    styles: apart,
    judges: [best, asFastAs("LevelDB (async)"), asFastAs("LevelDB (sync)"), unsafe],
    others: ["unsafeGet"]
  }),
  readhot: row({
    title: "gets of one key in a hundred",
    kind: "gets",
    plan: Plans.readHot,
    judges: [best, unsafe],
    others: ["unsafeGet"]
  }),
  readmissing: row({
    title: "gets of absent keys",
    kind: "gets",
    plan: Plans.readMissing,
    judges: [best, unsafe],
    others: ["unsafeGet"]
  }),
  getMany100: row({
    title: "a hundred random keys per call; keys",
    kind: "getManys",
    plan: Plans.getMany,
    styles: apart,
    judges: [best]
  }),
  readseq: row({
    title: "a scan of all entries; entries",
    kind: "walks",
    plan: Plans.walk,
    styles: apart,
    judges: [asFastAsBest(2), asFastAsBest(2, "ops/s", "effect-lsm mapChunks"), level],
    others: ["mapChunks", "cursor"]
  }),
  readreverse: row({
    title: "a scan of all entries backwards; entries",
    kind: "reverseWalks",
    plan: Plans.walk,
    judges: []
  }),
  seek100: row({
    title: "a seek to a random key and a scan of a hundred entries; entries",
    kind: "seeks",
    plan: Plans.seek,
    judges: ["", " collect", " cursor"].map((way) => asFastAsBest(2, "ops/s", `effect-lsm${way}`)),
    others: ["collect", "cursor"]
  }),
  readwhilewriting: row({
    title: "random gets with a tenth as many concurrent puts; gets",
    kind: "readsWhileWriting",
    plan: Plans.readWhileWriting,
    judges: [best]
  }),
  "readwhilewriting-turns": row({
    title: "random gets, with a turn of the event loop and a put after each 16; gets",
    kind: "readsInTurns",
    plan: Plans.readWhileWriting,
    judges: [best]
  }),
  deleterandom: row({
    title: "deletes one by one, random, not synced",
    kind: "deletes",
    plan: Plans.deleteRandom,
    judges: []
  }),
  "fillrandom-defaults": row({
    title: "fillrandom with the defaults of each store",
    kind: "puts",
    plan: Plans.withDefaults(Plans.fillRandom),
    judges: [best]
  }),
  "readrandom-defaults": row({
    title: "readrandom with the defaults of each store",
    kind: "gets",
    plan: Plans.withDefaults(Plans.readRandom),
    judges: [best]
  }),
  "getMany100-defaults": row({
    title: "getMany100 with the defaults of each store; keys",
    kind: "getManys",
    plan: Plans.withDefaults(Plans.getMany),
    judges: [best]
  }),
  "ycsbC-defaults": row({
    title: "YCSB C with the defaults of each store",
    kind: "ycsb",
    plan: Plans.withDefaults(Plans.ycsb(mixes.C)),
    judges: [best]
  }),
  "readwhilewriting-turns-defaults": row({
    title: "readwhilewriting-turns with the defaults of each store; gets",
    kind: "readsInTurns",
    plan: Plans.withDefaults(Plans.readWhileWriting),
    judges: [best]
  }),
  ycsbA: ycsb("A"),
  ycsbB: ycsb("B"),
  ycsbC: ycsb("C"),
  ycsbD: ycsb("D"),
  ycsbE: ycsb("E", 0.05),
  ycsbF: ycsb("F")
}
