import { mkdirSync } from "node:fs"
import type { Entries } from "../lib/entries.js"
import { withPrepared } from "../lib/prepared.js"
import type { Figures, Run } from "../lib/row.js"
import { type Open, type Session, withSession } from "../lib/session.js"
import type { Course } from "../lib/slices.js"
import type { Kind } from "../loops/index.js"
import type { Work } from "../loops/loop.js"
import { type Settings, usual } from "../peers/peer.js"
import type { Measure } from "./contenders.js"

/** What a row runs on a store. */
export interface Plan {
  readonly work: Work
  readonly course: Course
  /** The entries that the store holds before the row runs, compacted and reopened. */
  readonly held?: Entries
  readonly settings?: Partial<Settings>
}

export type MakePlan = (run: Run) => Plan

const slice = 1000

/** A course of `operations` operations of one entry each, unless `changed` says otherwise. */
export const course = (run: Run, operations: number, changed: Partial<Course> = {}): Course => ({
  operations,
  slice: run.quick ? slice / 10 : slice,
  limit: run.limit,
  twice: false,
  weight: 1,
  ...changed
})

/** How many times as long as other loops one that fills a store may take. */
export const patience = 60

/** A course that fills a store with all entries. */
export const fill = (run: Run, operations: number, changed: Partial<Course> = {}): Course =>
  course(run, operations, { limit: run.limit * patience, fills: true, ...changed })

/** Operations after which V8 has compiled the code. */
export const rehearsed = ({ quick }: Run): number => (quick ? 1_000 : 50_000)

/** Runs the first part unmeasured, so that code is compiled before the clock starts. */
const rehearse = (session: Session, run: Run, kind: Kind, { work, course }: Plan): Promise<Figures> => {
  const operations = Math.min(course.operations, rehearsed(run))
  return session.run(kind, work, { ...course, operations, limit: run.limit / 2 })
}

/** V8 compiles code for the one store that it has seen, and again when it sees another. */
const rehearsals = 2

/** Runs the first part on other stores. */
export const rehearseElsewhere = async (
  open: Open,
  run: Run,
  settings: Settings,
  kind: Kind,
  plan: Plan
): Promise<void> => {
  for (let i = 1; i <= rehearsals; i++) {
    const other = `${run.directory}-rehearsal-${i}`
    mkdirSync(other)
    await withSession(open, other, settings, (session) => rehearse(session, run, kind, plan))
  }
}

/**
 * Measures a loop. A loop that fills a store is rehearsed on other stores; one that changes a
 * filled store, on that store.
 */
export const measured =
  (kind: Kind, makePlan: MakePlan): Measure =>
  async (open, run) => {
    const plan = makePlan(run)
    const { work, course, held } = plan
    const settings = { ...usual, ...plan.settings }
    const { directory } = run
    if (held === undefined) {
      await rehearseElsewhere(open, run, settings, kind, plan)
      return withSession(open, directory, settings, (session) => session.run(kind, work, course))
    }
    return withPrepared(open, run, settings, held, () =>
      withSession(open, directory, settings, async (session) => {
        if (!course.twice) await rehearse(session, run, kind, plan)
        return session.run(kind, work, course)
      })
    )
  }
