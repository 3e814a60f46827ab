import {
  draws,
  type Entries,
  firstEntries,
  missingKeys,
  randomEntries,
  randomKeys,
  rewritten,
  sequentialEntries
} from "../lib/entries.js"
import type { Run } from "../lib/row.js"
import { inOrder, shuffledWork } from "../lib/session.js"
import { type Mix, makeTape, read } from "../lib/ycsb.js"
import { keysAtOnce, seekLength } from "../loops/reads.js"
import { writersAtOnce } from "../loops/writes.js"
import { course, fill, type MakePlan } from "./plan.js"

export const fillSequential: MakePlan = (run) => ({
  work: inOrder(sequentialEntries(run.entries)),
  course: fill(run, run.entries)
})

export const fillRandom: MakePlan = (run) => ({
  work: inOrder(randomEntries(run.entries)),
  course: fill(run, run.entries)
})

export const fillConcurrently: MakePlan = (run) => ({
  work: inOrder(randomEntries(run.entries)),
  course: fill(run, run.entries, { slice: writersAtOnce * 50 })
})

/** Synced puts are slow, so there are fewer of them. */
const syncs = ({ quick }: Run, each: number) => (quick ? each / 20 : each)

export const fillSynced: MakePlan = (run) => {
  const count = syncs(run, 4_000)
  return {
    work: inOrder(randomEntries(count)),
    course: course(run, count, { slice: 20 }),
    settings: { durability: "sync" }
  }
}

export const fillSyncedConcurrently: MakePlan = (run) => {
  const count = syncs(run, 64_000)
  return {
    work: inOrder(randomEntries(count)),
    course: course(run, count, { slice: writersAtOnce * 50 }),
    settings: { durability: "sync" }
  }
}

/** Enough entries for a few batches of the usual size. */
export const batchSynced: MakePlan = (run) => {
  const count = syncs(run, 20_000)
  return { work: inOrder(randomEntries(count)), course: course(run, count), settings: { durability: "sync" } }
}

export const overwrite: MakePlan = (run) => {
  const held = randomEntries(run.entries)
  return { held, work: shuffledWork(rewritten(held)), course: course(run, run.entries) }
}

export const deleteRandom: MakePlan = (run) => {
  const held = randomEntries(run.entries)
  return { held, work: shuffledWork(held), course: course(run, run.entries) }
}

/** The process that prepares the store needs values too. */
const heldToRead = (run: Run): Entries =>
  run.part === undefined ? randomKeys(run.entries) : randomEntries(run.entries)

export const readRandom: MakePlan = (run) => {
  const held = heldToRead(run)
  return { held, work: shuffledWork(held), course: course(run, run.entries, { twice: true }) }
}

export const readHot: MakePlan = (run) => {
  const held = heldToRead(run)
  const order = draws(run.entries, Math.ceil(run.entries / 100), 5)
  return { held, work: { entries: held, order }, course: course(run, run.entries, { twice: true }) }
}

export const readMissing: MakePlan = (run) => ({
  held: heldToRead(run),
  work: inOrder(missingKeys(run.entries)),
  course: course(run, run.entries, { twice: true })
})

export const getMany: MakePlan = (run) => {
  const held = heldToRead(run)
  const operations = Math.floor(run.entries / keysAtOnce)
  return {
    held,
    work: shuffledWork(held),
    course: course(run, operations, { slice: 10, twice: true, weight: keysAtOnce })
  }
}

export const walk: MakePlan = (run) => {
  const held = heldToRead(run)
  return { held, work: inOrder(held), course: course(run, 3, { slice: 1, twice: true, weight: run.entries }) }
}

export const seek: MakePlan = (run) => {
  const held = heldToRead(run)
  const operations = Math.floor(run.entries / 20)
  return {
    held,
    work: shuffledWork(held),
    course: course(run, operations, { slice: 10, twice: true, weight: seekLength })
  }
}

export const readWhileWriting: MakePlan = (run) => {
  const held = randomEntries(run.entries)
  return { held, work: shuffledWork(held), course: course(run, run.entries) }
}

/** The same plan on stores that are opened with their own defaults. */
export const withDefaults =
  (makePlan: MakePlan): MakePlan =>
  (run) => ({ ...makePlan(run), settings: { defaults: true } })

export const ycsb =
  (mix: Mix, part = 1): MakePlan =>
  (run) => {
    const operations = Math.floor(run.entries * part)
    const tape = makeTape(mix, operations, run.entries)
    const entries = randomEntries(tape.entries)
    return {
      held: firstEntries(entries, run.entries),
      work: { entries, order: new Uint32Array(0), tape },
      // A mix of gets only runs twice, like the other rows of gets.
      course: course(run, operations, { twice: mix.parts.every(([kind]) => kind === read) })
    }
  }
