import * as Effect from "effect/Effect"
import { cuts, type Damage, flips, moves, wholeFiles, zeroed } from "./damages.js"
import type { Files, Image } from "./image.js"
import { judge, judgeTable, type Verdict } from "./judge.js"
import { readingClock } from "./rangedImages.js"
import { recoveryFault } from "./recoveries.js"
import { frameOffsets, newestLog, ruleFault } from "./rules.js"

/** How much of each kind of damage to try: one in this many. */
export interface Extent {
  readonly bits: number
  readonly cuts: number
  /** Damages of tables in a newly opened store, in addition to those in a store that stays open. */
  readonly opened: number
  readonly moves: number
  readonly wholeFiles: number
  /** Flipped bits after which the store with deleted ranges is verified, and recovered in each way. */
  readonly recovered: number
}

/** One bit of each byte: in each byte the bit after the one in the byte before. */
const bitOfEach = 9

export const everything: Extent = { bits: 1, cuts: 1, opened: 41, moves: 29, wholeFiles: 1, recovered: bitOfEach }

export const sample: Extent = { bits: 1009, cuts: 509, opened: 12007, moves: 4001, wholeFiles: 17, recovered: 1 }

export interface Finding {
  readonly image: string
  readonly damage: string
  readonly fault: string
}

/** The results of the damages tried. */
export interface Survey {
  readonly tried: number
  /** How many damages there were of each kind and verdict. */
  readonly counts: Readonly<Record<string, number>>
  /** Damages that are taken for a torn end. */
  readonly torn: ReadonlyArray<{ readonly image: Image; readonly damage: Damage; readonly batch: number }>
  readonly findings: ReadonlyArray<Finding>
}

/** Files up to this many bytes are tried nearly in full. */
const smallFile = 64

/** A part of the work. Processes can share the jobs. */
export interface Job {
  readonly image: Image
  readonly damages: () => Iterable<Damage>
  /** The table that is damaged, if the store stays open. */
  readonly table?: string
  /** After one damage in this many the store is also verified, and recovered in each way. */
  readonly recovered?: number
}

function* oneIn(damages: Iterable<Damage>, every: number, offset: number): Generator<Damage> {
  let i = offset
  for (const damage of damages) if (i++ % every === 0) yield damage
}

/** The jobs for all images. Files that are the same in the first image are damaged only there. */
export function* jobs(images: ReadonlyArray<Image>, extent: Extent, seed: number): Generator<Job> {
  for (const [n, image] of images.entries()) {
    if (image.past !== undefined) {
      yield* rangedJobs(image, images.find(({ past }) => past !== undefined)!, extent, seed)
      continue
    }
    const others: Files = images[0]!.files
    const differs = (path: string) =>
      n === 0 || Buffer.compare(others.get(path) ?? new Uint8Array(0), image.files.get(path)!) !== 0
    const sampled = (damages: () => Iterable<Damage>, every: number): Job => ({
      image,
      damages: () => oneIn(damages(), every, seed)
    })
    yield sampled(() => wholeFiles(image), extent.wholeFiles)
    yield sampled(() => moves(image, 64, 64), extent.moves)
    for (const [path, bytes] of image.files) {
      if (!differs(path)) continue
      const few = bytes.length <= smallFile
      const bits = few ? Math.min(bitOfEach, extent.bits) : extent.bits
      const cutEvery = few ? 1 : extent.cuts
      const damages = [sampled(() => flips(image, path), bits), sampled(() => cuts(image, path), cutEvery)]
      if (!path.endsWith(".sst")) damages.push(sampled(() => zeroed(image, path), cutEvery))
      if (!path.endsWith(".sst")) {
        yield* damages
        continue
      }
      // No read reaches a table that only a cursor holds.
      if (n > 0) {
        yield sampled(() => flips(image, path), extent.opened)
        yield sampled(() => cuts(image, path), extent.opened)
        continue
      }
      for (const job of damages) yield { ...job, table: path }
      yield sampled(() => flips(image, path), extent.opened)
      yield sampled(() => cuts(image, path), extent.opened)
    }
    // Cuts at the start of each frame, and one byte to either side.
    for (const path of [newestLog(image.files), [...image.files.keys()].find((name) => name.includes("MANIFEST"))!]) {
      const around = new Set(frameOffsets(image.files.get(path)!).flatMap((offset) => [offset - 1, offset, offset + 1]))
      yield { image, damages: () => [...cuts(image, path)].filter(({ offset }) => around.has(offset)) }
    }
  }
}

/** The jobs for a store with deleted ranges. Files that are the same in `first` are damaged only there. */
function* rangedJobs(image: Image, first: Image, extent: Extent, seed: number): Generator<Job> {
  const sampled = (damages: () => Iterable<Damage>, every: number, recovered = 1): Job => ({
    image,
    damages: () => oneIn(damages(), every, seed),
    recovered
  })
  yield sampled(() => wholeFiles(image), extent.wholeFiles)
  yield sampled(() => moves(image, 64, 64), extent.moves)
  for (const [path, bytes] of image.files) {
    if (image !== first && Buffer.compare(first.files.get(path) ?? new Uint8Array(0), bytes) === 0) continue
    yield sampled(() => flips(image, path), extent.bits, extent.recovered)
    yield sampled(() => cuts(image, path), extent.cuts)
    yield sampled(() => zeroed(image, path), extent.cuts)
  }
}

/** Tries the damages of a job. */
export const survey = (job: Job): Effect.Effect<Survey> => {
  const tried = surveyNow(job)
  return job.image.past === undefined ? tried : Effect.withClock(tried, readingClock.clock)
}

const surveyNow = ({ image, damages, recovered, table }: Job): Effect.Effect<Survey> =>
  Effect.gen(function* () {
    let tried = 0
    const counts: Record<string, number> = {}
    const torn: Array<Survey["torn"][number]> = []
    const findings: Array<Finding> = []
    const note = (damage: Damage, verdict: Verdict, fault = ruleFault(image, damage, verdict)): void => {
      tried++
      const kind = `${damage.kind}: ${fault === undefined ? verdict._tag : "Fault"}`
      counts[kind] = (counts[kind] ?? 0) + 1
      if (fault !== undefined) findings.push({ image: image.name, damage: damage.label, fault })
      else if (verdict._tag === "Earlier") torn.push({ image, damage, batch: verdict.batch })
    }
    if (table !== undefined) {
      yield* judgeTable(image, table, damages(), note)
    } else {
      for (const damage of damages()) {
        const verdict = yield* judge(image, damage.apply())
        const isRecovered = recovered !== undefined && tried % recovered === 0
        note(
          damage,
          verdict,
          ruleFault(image, damage, verdict) ?? (isRecovered ? yield* recoveryFault(image, damage, verdict) : undefined)
        )
        yield* turn
      }
    }
    return { tried, counts, torn, findings }
  })

/**
 * Yields to the event loop. The simulation runs on microtasks, which would keep everything else in
 * the process from running.
 */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

export const merge = (surveys: ReadonlyArray<Survey>): Survey => {
  const counts: Record<string, number> = {}
  for (const survey of surveys) {
    for (const [kind, count] of Object.entries(survey.counts)) counts[kind] = (counts[kind] ?? 0) + count
  }
  return {
    tried: surveys.reduce((n, { tried }) => n + tried, 0),
    counts,
    torn: surveys.flatMap(({ torn }) => torn),
    findings: surveys.flatMap(({ findings }) => findings)
  }
}
