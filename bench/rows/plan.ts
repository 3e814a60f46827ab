import { mkdirSync } from "node:fs"
import type { Entries } from "../lib/entries.js"
import type { Run } from "../lib/row.js"
import { type Open, prepare, withSession } from "../lib/session.js"
import type { Course } from "../lib/slices.js"
import type { Kind } from "../loops/index.js"
import type { Work } from "../loops/loop.js"
import { type Settings, usual } from "../peers/peer.js"
import type { Measure } from "./contenders.js"

/** What a row does with a store. */
export interface Plan {
  readonly work: Work
  readonly course: Course
  /** What the store holds, compacted and opened anew, before. */
  readonly held?: Entries
  readonly settings?: Partial<Settings>
}

export type MakePlan = (run: Run) => Plan

const slice = 1000

/** So many operations of one entry each, or of `weight`. */
export const course = (run: Run, operations: number, changed: Partial<Course> = {}): Course => ({
  operations,
  slice: run.quick ? slice / 10 : slice,
  limit: run.limit,
  warmUp: 0,
  weight: 1,
  ...changed
})

export const warmUp = ({ quick }: Run): number => (quick ? 500 : 5_000)

/**
 * Does the first of it on another store, so that code is compiled when the clock begins to run: for rows that write, which cannot be
 * done twice on one store. Syncs are left out, which compile nothing.
 */
const rehearse = async (open: Open, run: Run, kind: Kind, { work, course, held }: Plan): Promise<void> => {
  const directory = `${run.directory}-rehearsal`
  mkdirSync(directory)
  if (held !== undefined) await prepare(open, directory, usual, held)
  const operations = Math.min(course.operations, warmUp(run) * 4)
  await withSession(open, directory, usual, (session) =>
    session.run(kind, work, { ...course, operations, limit: run.limit / 4 })
  )
}

export const measured =
  (kind: Kind, makePlan: MakePlan): Measure =>
  async (open, run) => {
    const plan = makePlan(run)
    const { work, course, held } = plan
    const settings = { ...usual, ...plan.settings }
    if (course.warmUp === 0) await rehearse(open, run, kind, plan)
    if (held !== undefined) await prepare(open, run.directory, settings, held)
    return withSession(open, run.directory, settings, (session) => session.run(kind, work, course))
  }
