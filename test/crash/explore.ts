import * as Effect from "effect/Effect"
import { seedOf } from "../../src/core/simulation/random.js"
import type { Patches } from "../support/openStore.js"
import { Journal } from "./journal.js"
import { type Case, judge, probe } from "./oracle.js"
import { type CrashState, digest, JournalHistory } from "./states.js"
import { hasTimes, type Recording, record, type Workload } from "./workload.js"

export interface Finding {
  readonly workload: string
  readonly seed: number
  /**
   * Identifies the state as `EVENT.INDEX`: the index of the last event before the crash, and the
   * index of the state among those possible then. For a second crash, a slash and the same for that
   * crash follow.
   */
  readonly at: string
  readonly label: string
  readonly fault: string
}

export interface Exploration {
  /** Distinct states judged, those after a second crash included. */
  readonly states: number
  /** How many of them were left by a second crash. */
  readonly secondCrashes: number
  readonly findings: ReadonlyArray<Finding>
}

export interface ExploreOptions {
  readonly seed: number
  /** About how many states of a first crash to judge, spread evenly over the workload. */
  readonly maxStates: number
  /** Explore a second crash during the recovery of one in this many states. */
  readonly secondCrashEvery: number
  /** About how many states of a second crash to judge for each such recovery. */
  readonly secondStates: number
  /**
   * Which states of a second crash to judge. `all states` picks from all possible ones. `each
   * moment` picks from two states at each event of the recovery, which keep none and all of the
   * pending changes: so few that no event is missed. Default: the two kinds alternate.
   */
  readonly secondKind?: SecondKind
  /** Stop at the first finding. */
  readonly stopAtFirst: boolean
  /** When to stop even if states are left, in milliseconds since the epoch. */
  readonly deadline?: number
  /** Faulty components, used for the workload and for every recovery. */
  readonly patches?: Patches
}

export type SecondKind = "all states" | "each moment"

/** The first two states keep none and all of the pending changes. */
const wholeStates = 2

/** The states that a crash after one event may leave, each with its place. */
function* statesAt(
  history: JournalHistory,
  event: number,
  seed: number,
  most = Number.POSITIVE_INFINITY
): Generator<readonly [string, CrashState]> {
  let index = 0
  for (const state of history.states(seedOf(seed, event))) {
    if (index === most) return
    yield [`${event}.${index++}`, state]
  }
}

/** Counts the states that the events lead to. Equal states count each time. */
export const countStates = (
  events: Recording["events"],
  history = new JournalHistory(),
  most = Number.POSITIVE_INFINITY
): number => {
  let count = 0
  for (const event of events) if (history.advance(event)) for (const _ of statesAt(history, 0, 0, most)) count++
  return count
}

/**
 * The events of a recovery, up to the first write to the recovered store. A second crash follows
 * one of them.
 */
const recoveryEvents = (journal: Journal): Recording["events"] => {
  const written = journal.events.findIndex(
    (event) => event.kind === "append" && Buffer.from(event.bytes).includes(probe)
  )
  return written < 0 ? journal.events : journal.events.slice(0, written)
}

const afterCrash = (files: ReadonlyMap<string, Uint8Array>, first: JournalHistory): JournalHistory => {
  const history = new JournalHistory(files)
  history.kept = first.kept
  history.submitted = first.submitted
  history.checkpointed = first.checkpointed
  history.time = first.time
  history.timed = first.timed
  return history
}

/** What the clock said before a crash, and what it says after it. */
const clockOf = (workload: Workload, { time, timed }: JournalHistory): Case["clock"] =>
  hasTimes(workload) ? { crashedAt: time, timed, recoversAt: workload.clockGoesBack === true ? 0 : time } : undefined

/** Judges the states that a crash may leave after each event of a recorded workload. */
export const exploreRecording = (
  workload: Workload,
  { events, models, checkpoints }: Recording,
  options: ExploreOptions
): Effect.Effect<Exploration> =>
  Effect.gen(function* () {
    const { seed } = options
    const tuning = workload.recoverWith ?? workload.tuning
    const seen = new Set<string>()
    const findings: Array<Finding> = []
    let secondCrashes = 0
    const enough = () =>
      (options.stopAtFirst && findings.length > 0) || (options.deadline !== undefined && Date.now() >= options.deadline)

    /**
     * Judges a state unless an equal one was judged before. Returns its files if nothing is wrong.
     */
    const judgeState = (history: JournalHistory, at: string, state: CrashState, label: string, journal?: Journal) =>
      Effect.gen(function* () {
        const files = state.files()
        const { checkpointed, kept, submitted, time, timed } = history
        const key = digest(files, `${kept};${checkpointed};${time};${timed}`)
        if (seen.has(key)) return "known" as const
        seen.add(key)
        const { patches } = options
        const expected = { models, kept, submitted, checkpoints, checkpointed, clock: clockOf(workload, history) }
        const fault = yield* judge({ files, tuning, ...expected, journal, patches })
        yield* turn
        if (fault === undefined) return files
        findings.push({ workload: workload.name, seed, at, label, fault })
        return "faulty" as const
      })

    let recoveries = 0
    const exploreRecovery = (files: ReadonlyMap<string, Uint8Array>, first: JournalHistory, crash: RecordedCrash) =>
      Effect.gen(function* () {
        const recovery = recoveryEvents(crash.journal)
        const kind = options.secondKind ?? (recoveries++ % 2 === 0 ? "each moment" : "all states")
        const most = kind === "each moment" ? wholeStates : Number.POSITIVE_INFINITY
        const total = countStates(recovery, new JournalHistory(files), most)
        const history = afterCrash(files, first)
        const due = spread(options.secondStates, total)
        for (const [i, event] of recovery.entries()) {
          if (!history.advance(event)) continue
          for (const [at, state] of statesAt(history, i, seed, most)) {
            if (enough()) return
            if (!due.isDue()) continue
            const label = `${crash.label}; then ${state.label()}`
            const outcome = yield* judgeState(history, `${crash.at}/${at}`, state, label)
            if (outcome === "known") continue
            due.done()
            secondCrashes++
          }
        }
      })

    const history = new JournalHistory()
    const due = spread(options.maxStates, countStates(events))
    let judged = 0
    for (const [i, event] of events.entries()) {
      if (!history.advance(event)) continue
      for (const [at, state] of statesAt(history, i, seed)) {
        if (enough()) break
        if (!due.isDue()) continue
        const journal = (judged + 1) % options.secondCrashEvery === 0 ? new Journal() : undefined
        const label = state.label()
        const outcome = yield* judgeState(history, at, state, label, journal)
        if (outcome === "known") continue
        due.done()
        judged++
        if (outcome !== "faulty" && journal !== undefined) {
          yield* exploreRecovery(outcome, history, { at, label, journal })
        }
      }
    }
    return { states: seen.size, secondCrashes, findings }
  })

interface RecordedCrash {
  readonly at: string
  readonly label: string
  readonly journal: Journal
}

/**
 * Picks `wanted` of `total` states, spread evenly. A state that turns out to be known does not
 * count: the next one replaces it.
 */
const spread = (wanted: number, total: number) => {
  let passed = 0
  let taken = 0
  return {
    isDue: () => taken < (++passed * wanted) / total,
    done: () => {
      taken++
    }
  }
}

/**
 * Yields to the event loop. The simulation runs on microtasks, which would keep everything else in
 * the process from running.
 */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

export const explore = (workload: Workload, options: ExploreOptions): Effect.Effect<Exploration> =>
  Effect.flatMap(record(workload, options.patches), (recording) => exploreRecording(workload, recording, options))

/** Judges one state again, by its place. */
export const repeat = (
  workload: Workload,
  seed: number,
  at: string,
  patches?: Patches
): Effect.Effect<Finding | undefined> =>
  Effect.gen(function* () {
    const { events, models, checkpoints } = yield* record(workload, patches)
    const tuning = workload.recoverWith ?? workload.tuning
    let history = new JournalHistory()
    let journalled = events
    let label = ""
    for (const [depth, place] of at.split("/").entries()) {
      const state = findState(history, journalled, place, seed)
      if (state === undefined) return yield* Effect.dieMessage(`there is no state ${at} in ${workload.name}`)
      label += `${depth > 0 ? "; then " : ""}${state.label()}`
      const journal = new Journal()
      const files = state.files()
      const { checkpointed, kept, submitted } = history
      const expected = { models, kept, submitted, checkpoints, checkpointed, clock: clockOf(workload, history) }
      const fault = yield* judge({ files, tuning, ...expected, journal, patches })
      if (fault !== undefined) return { workload: workload.name, seed, at, label, fault }
      history = afterCrash(files, history)
      journalled = recoveryEvents(journal)
    }
    return undefined
  })

const findState = (
  history: JournalHistory,
  events: Recording["events"],
  place: string,
  seed: number
): CrashState | undefined => {
  for (const [i, event] of events.entries()) {
    if (!history.advance(event)) continue
    for (const [at, state] of statesAt(history, i, seed)) if (at === place) return state
  }
  return undefined
}
