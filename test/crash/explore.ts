import * as Effect from "effect/Effect"
import { Journal } from "./journal.js"
import { DiskHistory, digest, seeded } from "./states.js"
import { judge, type Patches, type Recording, record, type Workload } from "./workload.js"

export interface Finding {
  readonly workload: string
  /** How many of the journal's events had happened. */
  readonly event: number
  readonly label: string
  readonly fault: string
}

export interface Exploration {
  /** Distinct states judged. */
  readonly states: number
  readonly findings: ReadonlyArray<Finding>
}

export interface ExploreOptions {
  readonly seed: number
  /** Judge at most so many states, spread evenly over the workload. */
  readonly maxStates: number
  /** Judge one in so many states also with a second crash during its recovery. */
  readonly secondCrashEvery: number
  /** Stop at the first finding. */
  readonly stopAtFirst: boolean
  /** Components made to misbehave, also when a state is judged. */
  readonly patches?: Patches
}

/** Judges the states that a crash may leave after each event of a recorded workload. */
export const exploreRecording = (
  { name, tuning }: Workload,
  { events, models }: Recording,
  options: ExploreOptions
): Effect.Effect<Exploration> =>
  Effect.gen(function* () {
    const random = seeded(options.seed)
    const seen = new Set<string>()
    const findings: Array<Finding> = []
    const stride = Math.max(1, countStates(events, options.seed) / options.maxStates)
    let passed = 0
    let judged = 0
    const enough = () => options.stopAtFirst && findings.length > 0

    /** Every `stride`-th state of the first crash, and of the second. */
    const isDue = (): boolean => Math.floor(++passed / stride) > Math.floor((passed - 1) / stride)

    const explore = (history: DiskHistory, event: number, prefix: string, nested: boolean): Effect.Effect<void> =>
      Effect.gen(function* () {
        for (const { label, files: make } of history.states(random)) {
          if (enough()) return
          if (!isDue()) continue
          const files = make()
          const key = digest(files, history.kept)
          if (seen.has(key)) continue
          seen.add(key)
          judged++
          const journal = !nested && judged % options.secondCrashEvery === 0 ? new Journal() : undefined
          const fault = yield* judge(files, tuning, models, history.kept, history.submitted, journal, options.patches)
          yield* turn
          if (fault !== undefined) findings.push({ workload: name, event, label: prefix + label, fault })
          else if (journal !== undefined) yield* exploreRecovery(files, history, journal, event, `${label}; then `)
        }
      })

    /** Crashes again while the first crash is being recovered from: up to the moment that the recovered store is written to. */
    const exploreRecovery = (
      files: ReadonlyMap<string, Uint8Array>,
      first: DiskHistory,
      journal: Journal,
      event: number,
      prefix: string
    ): Effect.Effect<void> =>
      Effect.gen(function* () {
        const history = new DiskHistory(files)
        history.kept = first.kept
        history.submitted = first.submitted
        const probe = journal.events.findIndex((e) => e.kind === "append" && includesText(e.bytes, "probe"))
        for (const next of journal.events.slice(0, probe < 0 ? undefined : probe)) {
          if (history.advance(next)) yield* explore(history, event, prefix, true)
          if (enough()) return
        }
      })

    const history = new DiskHistory()
    for (let i = 0; i < events.length && !enough(); i++) {
      if (history.advance(events[i]!)) yield* explore(history, i, "", false)
    }
    return { states: judged, findings }
  })

/** How many states the events lead to, equal ones counted each. */
const countStates = (events: Recording["events"], seed: number): number => {
  const random = seeded(seed)
  const history = new DiskHistory()
  let count = 0
  for (const event of events) if (history.advance(event)) for (const _ of history.states(random)) count++
  return count
}

/** The simulation runs on microtasks: whoever else lives in the process gets a turn in between. */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const includesText = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text)

export const explore = (workload: Workload, options: ExploreOptions): Effect.Effect<Exploration> =>
  Effect.flatMap(record(workload, options.patches), (recording) => exploreRecording(workload, recording, options))
