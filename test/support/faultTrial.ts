import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import type { LsmOptions, Store } from "effect-lsm"
import { quickDisk } from "../crash/journal.js"
import { withStore } from "../crash/simulation.js"
import { turn } from "./eventually.js"
import { type FaultyStorage, faultyStorage, type Rule } from "./faultyStorage.js"
import { exitOf, onlyError } from "./fiberExits.js"
import { WorkloadRun } from "./workloadRun.js"

const keys = ["a", "b", "c", "d", "e", "f", "g", "h"]

const tuning: LsmOptions.Tuning = {
  valueThreshold: 40,
  memtableBytes: 2048,
  maxFrozenMemtables: 2,
  blockBytes: 64,
  restartInterval: 2,
  tableBytes: 300,
  level0Tables: 2,
  level1Bytes: 600,
  levelRatio: 2,
  maxOpenTables: 3
}

/** Opens a store on `storage`. The disk passed to `withStore` is not used. */
const open = <A, E>(storage: FaultyStorage, use: (store: Store.Store) => Effect.Effect<A, E>) =>
  withStore(quickDisk(), tuning, use, { storage: () => storage.service, memtable: storage.memtable })

type Running = Fiber.RuntimeFiber<unknown, unknown>

/** The workload: two sessions of puts, batches, flushes, compactions and reads. */
const workload = (storage: FaultyStorage, run: WorkloadRun, forked: (fiber: Running) => void) => {
  /** Runs each operation in its own fiber, the target of interruptions. */
  const one = (effect: Effect.Effect<void>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(effect)
      forked(fiber)
      yield* Fiber.await(fiber)
    })
  const session = (store: Store.Store) =>
    Effect.gen(function* () {
      yield* one(run.write(store, 1))
      yield* one(run.write(store, 4))
      yield* one(run.do("flush", store.flush))
      yield* one(run.write(store, 3))
      yield* one(run.read(store))
      yield* one(run.do("flush", store.flush))
      yield* one(run.write(store, 1))
      yield* one(run.do("compact", store.compact()))
      yield* one(run.write(store, 3))
      yield* one(run.read(store))
      yield* one(run.do("sync", store.sync))
    })
  return Effect.gen(function* () {
    for (let i = 0; i < 2; i++) {
      const fiber = yield* Effect.fork(open(storage, session))
      forked(fiber)
      const exit = yield* Fiber.await(fiber)
      if (Exit.isFailure(exit) && onlyError(exit.cause).length === 0 && !Exit.isInterrupted(exit)) {
        run.faults.push(`session: ${Cause.pretty(exit.cause)}`)
      }
    }
  })
}

/**
 * Runs an effect to its end, and moves the clock while it waits. Returns undefined if it does not
 * end.
 */
const settles = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Exit.Exit<A, E> | undefined> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    for (let i = 0; i < 400; i++) {
      const exit = exitOf(fiber)
      if (exit !== undefined) return exit
      yield* turn
      if (i % 10 === 9) yield* TestClock.adjust("1 second")
    }
    yield* Effect.fork(Fiber.interrupt(fiber))
    return undefined
  })

/** The faults by name. `at` is the number of the affected operation, counted from 1. */
export const faults: Readonly<
  Record<string, (at: number, storage: FaultyStorage, victim: () => Running | undefined) => Rule | undefined>
> = {
  "EIO once": (at) => ({ fault: { _tag: "Refuse", code: "EIO" }, after: at - 1 }),
  "EIO from then on": (at) => ({
    fault: { _tag: "Refuse", code: "EIO" },
    after: at - 1,
    times: Number.POSITIVE_INFINITY
  }),
  "ENOSPC once": (at) => ({
    fault: { _tag: "Refuse", code: "ENOSPC" },
    after: at - 1,
    on: ["create", "append", "sync", "sync directory", "rename"]
  }),
  "a file in the way": (at) => ({ fault: { _tag: "Refuse", code: "EEXIST" }, after: at - 1, on: ["create"] }),
  "EIO from close": (at) => ({ fault: { _tag: "Refuse", code: "EIO" }, after: at - 1, on: ["close"] }),
  "no memory": (at) => ({ fault: { _tag: "Refuse", code: "ENOMEM" }, after: at - 1, on: ["apply"] }),
  "EMFILE once": (at) => ({ fault: { _tag: "Refuse", code: "EMFILE" }, after: at - 1, on: ["open", "create", "list"] }),
  "short reads": (at) => ({ fault: { _tag: "Short" }, after: at - 1, on: ["read"], times: 3 }),
  "a short append": (at) => ({ fault: { _tag: "Short" }, after: at - 1, on: ["append"] }),
  "a slow disk": (at) => ({ fault: { _tag: "Delay", millis: 700 }, after: at - 1, times: 5 }),
  interruption: (at, _, victim) => ({ fault: { _tag: "Interrupt", fiber: victim }, after: at - 1 }),
  "a full disk": (at, storage) => {
    storage.room = at * 40
    return undefined
  },
  "a directory that vanishes": (at, storage) => {
    storage.vanishesAfter = at - 1
    return undefined
  },
  "few descriptors": (at, storage) => {
    storage.descriptors = 2 + (at % 9)
    return undefined
  }
}

/**
 * Runs the workload with a fault at one operation. Then opens the resulting store, unchanged and
 * after a power cut.
 */
export const trial = (name: string, at: number, seed: number) =>
  Effect.gen(function* () {
    const storage = yield* faultyStorage({ turn: queueMicrotask })
    const run = new WorkloadRun(keys)
    let latest: Running | undefined
    const rule = faults[name]!(at, storage, () => latest)
    if (rule !== undefined) storage.inject(rule)
    const exit = yield* settles(
      workload(storage, run, (fiber) => {
        latest = fiber
      })
    )
    if (exit === undefined) run.faults.push("it hangs")
    else if (Exit.isFailure(exit)) run.faults.push(`it ended with ${Cause.pretty(exit.cause)}`)
    if (storage.open.size > 0) run.faults.push(`left open: ${[...storage.open.values()].join(" ")}`)
    storage.lift()
    const operations = storage.operations.length
    const count = (kind: string) => storage.operations.filter(({ operation }) => operation === kind).length
    const [closes, applies, creates] = [count("close"), count("apply"), count("create")]
    const files = storage.afterPowerCut()
    for (const [how, again] of [
      ["reopened", storage],
      ["after a power cut", yield* faultyStorage({ turn: queueMicrotask, files })]
    ] as const) {
      const verified = yield* settles(run.verify((use) => open(again, use)))
      if (verified === undefined) run.faults.push(`${how}: it hangs`)
      else if (Exit.isFailure(verified)) run.faults.push(`${how}: ${Cause.pretty(verified.cause)}`)
    }
    for (const path of storage.harmed()) run.faults.push(`${path}, a file that is not the store's, was changed`)
    return {
      faults: run.faults,
      operations,
      closes,
      applies,
      creates,
      acknowledged: run.acknowledged,
      failed: run.failed
    }
  }).pipe(Effect.withRandom(Random.make(seed)))
