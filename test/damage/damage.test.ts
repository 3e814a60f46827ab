import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { compare } from "../../src/core/bytes/bytes.js"
import { readManifest } from "../../src/core/manifest/manifestFile.js"
import { decodeFileHeader } from "../../src/core/storage/fileHeader.js"
import { cuts, flips, wholeFiles, zeroed } from "./damages.js"
import { type Image, makeImages } from "./image.js"
import { judge } from "./judge.js"
import { frameOffsets, newestLog } from "./rules.js"
import { jobs, merge, sample, survey } from "./survey.js"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 1)
const images = Effect.runPromise(makeImages)
const image = (name: Image["name"]) =>
  Effect.map(
    Effect.promise(() => images),
    (all) => all.find((one) => one.name === name)!
  )

describe(`damage (the short form of npm run test:damage, seed ${seed})`, () => {
  it.live("is done to stores with several levels, several segments and a manifest with edits", () =>
    Effect.gen(function* () {
      for (const { files, models, name } of yield* Effect.promise(() => images)) {
        if (name.endsWith("log alone")) {
          expect(
            [...files.keys()].filter((path) => path.endsWith(".sst")),
            name
          ).toEqual([])
          continue
        }
        if (name.endsWith("ranges and times")) continue
        const size = [...files.values()].reduce((n, { length }) => n + length, 0)
        const count = (pattern: RegExp) => [...files.keys()].filter((path) => pattern.test(path)).length
        expect(size, name).toBeGreaterThan(48 * 1024)
        expect(count(/\.sst$/), name).toBeGreaterThan(8)
        expect(count(/\.val$/) > 5, name).toBe(name.endsWith("separated values"))
        expect(count(/\.log$/), name).toBeGreaterThan(3)
        expect(models.length, name).toBeGreaterThan(20)
        const manifest = [...files].find(([path]) => path.includes("MANIFEST"))![1]
        expect(frameOffsets(manifest).length, name).toBeGreaterThan(4)
      }
      expect((yield* image("closed")).older.length).toBeGreaterThan(50)
    })
  )

  it.live("is done to a store with ranges and times in its log, at several levels and over several tables", () =>
    Effect.gen(function* () {
      for (const name of ["closed, ranges and times", "crashed, ranges and times"] as const) {
        const { files, past } = yield* image(name)
        const current = [...files].find(([path]) => path.endsWith("CURRENT"))!
        const { fileNumber, storeId } = decodeFileHeader(current[1], "current", current[0])
        const [path, manifest] = [...files].find(([path]) => path.includes("MANIFEST"))!
        const { state } = readManifest(manifest, fileNumber, storeId, path)
        const levels = state.version.levels.filter((tables) => tables.length > 0)
        expect(levels.length, name).toBeGreaterThan(2)
        expect(levels.filter((tables) => tables.some(({ ranges = [] }) => ranges.length > 0)).length).toBe(2)
        const spans = levels.flatMap((tables) =>
          tables.filter(({ largestKey, ranges = [] }, i) => {
            const next = tables[i + 1]?.smallestKey
            const isSorted = next !== undefined && compare(largestKey, next) < 0
            return isSorted && ranges.some(({ end }) => end !== undefined && compare(end, next) > 0)
          })
        )
        expect(spans.length, name).toBeGreaterThan(0)
        const latest = levels.flat().flatMap(({ expiring }) => (expiring === undefined ? [] : [expiring.latest]))
        expect(latest.some((time) => time < 1000) && latest.some((time) => time > 1000)).toBe(true)
        expect(state.version.valueFiles.size).toBeGreaterThan(0)
        expect([...past!.floors.values()].some((floor) => floor > 1)).toBe(true)
      }
    })
  )

  it.live(
    "is found by verification, and what each recovery brings back is right or told",
    () =>
      Effect.gen(function* () {
        const ranged = (yield* Effect.promise(() => images)).filter(({ past }) => past !== undefined)
        const { tried, findings, counts } = merge(yield* Effect.forEach([...jobs(ranged, sample, seed)], survey))
        expect(findings).toEqual([])
        expect(tried).toBeGreaterThan(100)
        for (const kind of ["bit: Refused", "cut: Earlier", "missing: Refused"])
          expect(counts[kind], kind).toBeGreaterThan(0)
      }),
    240_000
  )

  it.live(
    "is an error that names the file, the offset and the region, or changes no result",
    () =>
      Effect.gen(function* () {
        const plain = (yield* Effect.promise(() => images)).filter(({ past }) => past === undefined)
        const all = [...jobs(plain, sample, seed)]
        const { tried, findings, counts } = merge(yield* Effect.forEach(all, survey))
        expect(findings).toEqual([])
        expect(tried).toBeGreaterThan(600)
        for (const kind of ["bit", "cut", "extended", "missing", "swapped", "moved", "older"]) {
          expect(counts[`${kind}: Refused`], kind).toBeGreaterThan(0)
        }
      }),
    240_000
  )

  it.live("to the last record of a log that was not closed is taken for a torn end, and is reported", () =>
    Effect.gen(function* () {
      const crashed = yield* image("crashed")
      const newest = newestLog(crashed.files)
      const [last, end] = frameOffsets(crashed.files.get(newest)!).slice(-2) as [number, number]
      const newestBatch = crashed.models.length - 1
      let i = seed
      for (const damage of flips(crashed, newest)) {
        // Every bit around the start of the last record and of the unused space after it. Elsewhere
        // a sample.
        if (Math.abs(damage.offset - last) > 4 && Math.abs(damage.offset - end) > 2 && i++ % 211 !== 0) continue
        const verdict = yield* judge(crashed, damage.apply())
        expect(verdict, damage.label).toEqual(
          damage.offset < last
            ? { _tag: "Refused", named: new Set([newest]) }
            : damage.offset < end
              ? { _tag: "Earlier", batch: newestBatch - 1, reported: true }
              : { _tag: "Right" }
        )
      }
    })
  )

  it.live(
    "that cuts a log that was not closed loses the records cut, and is reported unless a whole record ends it",
    () =>
      Effect.gen(function* () {
        const crashed = yield* image("crashed")
        const newest = newestLog(crashed.files)
        const offsets = frameOffsets(crashed.files.get(newest)!)
        const newestBatch = crashed.models.length - 1
        for (const damage of cuts(crashed, newest)) {
          const whole = offsets.findLastIndex((offset) => offset <= damage.offset)
          const atEdge = offsets.includes(damage.offset)
          if (!atEdge && damage.offset % 97 !== 0) continue
          const verdict = yield* judge(crashed, damage.apply())
          if (whole < 0) expect(verdict._tag, damage.label).toBe("Refused")
          else if (damage.offset >= offsets.at(-1)!) expect(verdict, damage.label).toEqual({ _tag: "Right" })
          else {
            const batch = newestBatch - (offsets.length - 1 - Math.max(1, whole))
            expect(verdict, damage.label).toEqual({ _tag: "Earlier", batch, reported: !atEdge })
          }
        }
      })
  )

  it.live("to a segment's first frame is an error that names that segment, not the one before it", () =>
    Effect.gen(function* () {
      const closed = yield* image("closed")
      const logs = [...closed.files.keys()].filter(
        (path) => path.endsWith(".log") && closed.files.get(path)!.length > 64
      )
      expect(logs.length).toBeGreaterThan(3)
      for (const path of logs) {
        const end = frameOffsets(closed.files.get(path)!)[1]!
        for (const damage of [...flips(closed, path), ...cuts(closed, path)]) {
          const { offset, kind } = damage
          const due = kind === "cut" || ((offset + seed) % 3 === 0 && damage.label.startsWith("bit 0"))
          if (offset < 32 || offset >= end || !due) continue
          expect(yield* judge(closed, damage.apply()), damage.label).toEqual({
            _tag: "Refused",
            named: new Set([path])
          })
        }
      }
    })
  )

  it.live("to a log that was closed is never taken for a torn end", () =>
    Effect.gen(function* () {
      for (const name of ["closed", "closed, log alone"] as const) {
        const closed = yield* image(name)
        const newest = newestLog(closed.files)
        const offsets = frameOffsets(closed.files.get(newest)!)
        const places = (offset: number) => offset <= 64 || offset % 53 === 0 || offsets.includes(offset)
        const shorter = [...cuts(closed, newest), ...zeroed(closed, newest)].filter(({ offset }) => places(offset))
        const older = [...wholeFiles(closed)].filter(({ kind, paths }) => kind === "older" && paths[0] === newest)
        expect(older.length).toBeGreaterThan(0)
        for (const damage of [...shorter, ...older]) {
          if (damage.offset >= offsets.at(-1)!) continue
          expect(yield* judge(closed, damage.apply()), `${name}: ${damage.label}`).toEqual({
            _tag: "Refused",
            named: new Set([newest])
          })
        }
      }
    })
  )

  it.live("to the last edit of a manifest is an error or changes no result", () =>
    Effect.gen(function* () {
      for (const name of ["closed", "crashed"] as const) {
        const one = yield* image(name)
        const manifest = [...one.files.keys()].find((path) => path.includes("MANIFEST"))!
        const offsets = frameOffsets(one.files.get(manifest)!)
        for (const damage of cuts(one, manifest)) {
          if (!offsets.includes(damage.offset)) continue
          const verdict = yield* judge(one, damage.apply())
          expect(["Right", "Refused"], damage.label).toContain(verdict._tag)
        }
        const last = offsets.at(-2)!
        for (const damage of flips(one, manifest)) {
          if (Math.abs(damage.offset - last) > 2) continue
          const verdict = yield* judge(one, damage.apply())
          if (damage.offset < last)
            expect(verdict, damage.label).toEqual({ _tag: "Refused", named: new Set([manifest]) })
          else expect(["Right", "Refused"], damage.label).toContain(verdict._tag)
        }
      }
    })
  )
})
