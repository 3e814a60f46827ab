import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { LsmOptions, Stats, Storage, Store } from "effect-lsm"
import { quickDisk } from "../crash/journal.js"
import { withStore } from "../crash/simulation.js"
import type { Damage } from "./damages.js"
import { type Files, type Image, quiet } from "./image.js"
import { type Expected, expected, operations, outcomeOf } from "./operations.js"
import { rangedQuiet } from "./rangedImages.js"

/**
 * The outcome of one damage:
 * - `Right`: every result was right.
 * - `Refused`: results were right or errors that name files.
 * - `Earlier`: everything read was the content after an earlier batch, as after a torn end.
 *   `reported` says whether the store reported dropped records.
 * - `Fault`: anything else.
 */
export type Verdict =
  | { readonly _tag: "Right" }
  | { readonly _tag: "Refused"; readonly named: ReadonlySet<string> }
  | { readonly _tag: "Earlier"; readonly batch: number; readonly reported: boolean }
  | { readonly _tag: "Fault"; readonly what: string }

const fault = (what: string): Verdict => ({ _tag: "Fault", what })

/** The engine may use one buffer of this size for all small reads. */
const reused = 64 * 1024

/** Reports reads and read buffers that are too large for the size of the file. */
const bounded = (files: Files, report: (what: string) => void) => (storage: Storage.StorageService) => ({
  ...storage,
  driver: {
    yieldToEventLoop: storage.driver.yieldToEventLoop,
    create: (path: string) => storage.driver.create(path),
    openRead: (path: string): Storage.StorageFile => {
      const file = storage.driver.openRead(path)
      return {
        path,
        size: () => file.size(),
        read: (target, offset, length, position) => {
          const size = files.get(path)?.length ?? file.size()
          if (length > size + slack) report(`reads ${length} bytes of ${path}, which has ${size}`)
          if (target.length > Math.max(size + slack, reused))
            report(`reads ${path}, of ${size} bytes, into ${target.length}`)
          return file.read(target, offset, length, position)
        },
        append: (source, offset, length) => file.append(source, offset, length),
        sync: (done) => file.sync(done),
        close: () => file.close()
      }
    }
  }
})

/** The engine may read a header or a footer from a file that is too short for one. */
const slack = 64

const readAll = (store: Store.Store, due: Expected): Effect.Effect<Verdict> =>
  Effect.gen(function* () {
    const named = new Set<string>()
    for (const { name, run } of operations) {
      const outcome = yield* run(store, due)
      if (outcome.fault !== undefined) return fault(`${name}: ${outcome.fault}`)
      for (const file of outcome.named) named.add(file)
    }
    return named.size > 0 ? { _tag: "Refused", named } : { _tag: "Right" }
  })

/** What a store says of its opening. */
export interface Told {
  /** Whether the log may be cut where it is damaged, although the store has other damage too. */
  readonly isCut?: boolean
  recovery?: Stats.Stats["recovery"]
}

const generous = "60 seconds"

/** Opens a store on damaged files, reads all of it, and returns the verdict. */
export const judge = (
  { models, keys, past }: Image,
  files: Files,
  tuning: LsmOptions.Tuning = past === undefined ? quiet : rangedQuiet,
  told: Told = {}
): Effect.Effect<Verdict> =>
  Effect.gen(function* () {
    const hasTimes = past !== undefined
    const disk = quickDisk()
    for (const [path, bytes] of files) disk.place(path, bytes)
    let unbounded: string | undefined
    const storage = bounded(files, (what) => {
      unbounded ??= what
    })
    const use = (store: Store.Store) =>
      Effect.gen(function* () {
        const last = models.length - 1
        told.recovery = (yield* Effect.orDie(store.stats)).recovery
        const verdict = yield* readAll(store, expected(models[last]!, keys, files, hasTimes))
        if (verdict._tag !== "Fault") return verdict
        for (let batch = last - 1; batch >= 0; batch--) {
          const earlier = yield* readAll(store, expected(models[batch]!, keys, files, hasTimes))
          const { dropped, lost } = told.recovery
          const reported = dropped.length + lost.length > 0
          // A table may be damaged too.
          const isMoment = earlier._tag === "Right" || (told.isCut === true && earlier._tag === "Refused")
          if (isMoment) return { _tag: "Earlier", batch, reported } as const
        }
        return verdict
      })
    const exit = yield* Effect.exit(withStore(disk, tuning, use, { storage }))
    if (unbounded !== undefined) return fault(unbounded)
    if (Exit.isSuccess(exit)) return exit.value
    const outcome = outcomeOf(exit, files)
    if (outcome.fault !== undefined) return fault(`open: ${outcome.fault}`)
    return { _tag: "Refused", named: new Set(outcome.named) } as const
  }).pipe(Effect.timeoutOption(generous), Effect.map(Option.getOrElse(() => fault("it hangs"))))

/**
 * Judges damages of one table in a store that stays open, because opening reads no table. For each
 * damage, opens the table's file anew and reads all keys in its range.
 */
export const judgeTable = (
  { models, keys, files }: Image,
  path: string,
  damages: Iterable<Damage>,
  report: (damage: Damage, verdict: Verdict) => void
): Effect.Effect<void> =>
  Effect.gen(function* () {
    let lastOpened = ""
    const disk = quickDisk({
      after: (operation) => {
        if (operation.kind === "open") lastOpened = operation.path
      }
    })
    for (const [name, bytes] of files) disk.place(name, bytes)
    const model = models.at(-1)!
    const sorted = [...new Set(keys)].sort()
    const use = (store: Store.Store) =>
      Effect.gen(function* () {
        // The table's keys are those that fail while its file is empty. Nothing has opened it
        // before.
        disk.place(path, new Uint8Array(0))
        const inTable = new Set(sorted.filter((key) => Either.isLeft(Either.try(() => store.unsafeGet(key)))))
        const [first, last] = [sorted.find((key) => inTable.has(key))!, sorted.findLast((key) => inTable.has(key))!]
        const near = sorted.filter((key) => key >= first && key <= last)
        lastOpened = ""
        const elsewhere = sorted.find(
          (key) => !inTable.has(key) && store.unsafeGet(key) !== undefined && lastOpened !== ""
        )!
        const due = expected(new Map([...model].filter(([key]) => near.includes(key))), near, files)
        for (const damage of damages) {
          disk.place(path, damage.apply().get(path)!)
          // Only one table is open at a time, so reading another closes this one.
          store.unsafeGet(elsewhere)
          report(damage, yield* readAll(store, due))
        }
      })
    yield* Effect.orDie(withStore(disk, { ...quiet, maxOpenTables: 1 }, use))
  })
