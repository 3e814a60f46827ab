import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EntryKind } from "../../src/core/cursor/entryKind.js"
import { expires, expirySize, kindWithoutExpiry } from "../../src/core/cursor/expiry.js"
import { Retention } from "../../src/core/cursor/retention.js"
import { SoundValues, WholeCursor } from "../../src/core/recovery/soundValues.js"
import { cuts, type Damage, flips } from "./damages.js"
import type { Image } from "./image.js"
import { makeImages } from "./image.js"
import { type Job, survey } from "./survey.js"

/** The private members that are replaced. */
interface Covering {
  isCovered: (...place: ReadonlyArray<unknown>) => boolean
}
interface Settling {
  set: (kind: number, bytes: Uint8Array, start: number, end: number) => void
}

interface Mutant {
  readonly name: string
  /** The files in which damage shows it. */
  readonly files: RegExp
  /** What must be found. */
  readonly finding: RegExp
  /** Breaks the recovery, and returns what mends it. */
  readonly breaks: () => () => void
}

const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a salvage that ignores deleted ranges",
    files: /\.sst$/,
    finding: /^salvage: k\d\d is/,
    breaks: () => {
      const covering = Retention.prototype as unknown as Covering
      const { isCovered } = covering
      covering.isCovered = () => false
      return () => {
        covering.isCovered = isCovered
      }
    }
  },
  {
    name: "a salvage that drops the times at which values expire",
    files: /\.sst$/,
    finding: /^salvage: k\d\d expires at undefined/,
    breaks: () => {
      const settling = WholeCursor.prototype as unknown as Settling
      const { set } = settling
      settling.set = function (kind, bytes, start, end) {
        if (kind !== EntryKind.rangeDeletion && expires(kind)) {
          set.call(this, kindWithoutExpiry(kind), bytes, start + expirySize, end)
        } else set.call(this, kind, bytes, start, end)
      }
      return () => {
        settling.set = set
      }
    }
  },
  {
    name: "a verification that does not look into value files",
    files: /\.val$/,
    finding: /^verify: finds no/,
    breaks: () => {
      const { check, read } = SoundValues.prototype
      SoundValues.prototype.check = () => undefined
      SoundValues.prototype.read = () => new Uint8Array(0)
      return () => {
        SoundValues.prototype.check = check
        SoundValues.prototype.read = read
      }
    }
  }
]

const everyNth = (damages: Iterable<Damage>, n: number): ReadonlyArray<Damage> =>
  [...damages].filter((_, i) => i % n === 0)

/** Some damages of the files that match. */
const jobOf = (image: Image, files: RegExp): Job => {
  const paths = [...image.files.keys()].filter((path) => files.test(path))
  const damages = paths.flatMap((path) => [...everyNth(flips(image, path), 1501), ...everyNth(cuts(image, path), 601)])
  return { image, damages: () => damages, recovered: 1 }
}

describe("damage to a store with deleted ranges and values that expire", () => {
  for (const { breaks, files, finding, name } of mutants) {
    it.live(
      `shows ${name}`,
      () =>
        Effect.gen(function* () {
          const image = (yield* makeImages).find(({ past }) => past !== undefined)!
          const job = jobOf(image, files)
          expect((yield* survey(job)).findings).toStrictEqual([])
          const mend = breaks()
          const { findings } = yield* Effect.ensuring(survey(job), Effect.sync(mend))
          expect(findings.map(({ fault }) => fault)).toContainEqual(expect.stringMatching(finding))
        }),
      120_000
    )
  }
})
