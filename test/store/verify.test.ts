import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { LsmStore, type Maintenance } from "effect-lsm"
import { unusedFrom } from "../../src/core/log/logSegment.js"
import { decodeFileHeader, saltOf } from "../../src/core/storage/fileHeader.js"
import { lineBytes } from "../../src/core/table/lineFilter.js"
import { decodeFooter, footerSize, sealSection, sectionTrailerSize } from "../../src/core/table/tableFormat.js"
import { pairs } from "../support/bytes.js"
import { history, levels, newest } from "../support/history.js"
import {
  cut,
  directory,
  diskOf,
  errors,
  events,
  type Files,
  filesNamed,
  findings,
  flip,
  quietly,
  storageOf,
  without,
  withStore
} from "../support/laboratory.js"
import * as places from "../support/places.js"

const readAll = (files: Files) => withStore(diskOf(files), (store) => pairs(store.scan()), levels)

/** Changes a section of a table with one partition, and updates its checksum. */
const resealed = (
  files: Files,
  path: string,
  section: "partition" | "properties",
  change: (bytes: Uint8Array) => void
): Files => {
  const bytes = files.get(path)!.slice()
  const { fileNumber, storeId } = decodeFileHeader(bytes, "table", path)
  const end = bytes.length - footerSize
  const footer = decodeFooter(bytes.subarray(end), saltOf(storeId), fileNumber, end)
  if (typeof footer === "string") throw new Error(footer)
  const { offset, length } =
    section === "properties"
      ? footer.properties
      : { offset: footer.filter.offset, length: footer.filter.length - sectionTrailerSize }
  change(bytes.subarray(offset, offset + length))
  sealSection(bytes.subarray(offset), length, "none", saltOf(storeId), fileNumber, offset)
  return new Map([...files, [path, bytes]])
}

describe("verification", () => {
  it.effect("finds nothing in a sound store, reports its progress, and counts", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      const disk = diskOf(files)
      const all = yield* events(disk)
      const last = all.at(-1)
      expect(last).toMatchObject({ _tag: "Verified", errors: 0, notices: 0 })
      const sst = filesNamed(files, ".sst").length
      const logs = filesNamed(files, ".log").length
      expect(last).toMatchObject({ tables: sst, segments: logs })
      expect(sst).toBeGreaterThan(5)
      const progress = all.filter((event): event is Maintenance.Progress => event._tag === "Progress")
      const sizes = [...files].reduce((n, [, bytes]) => n + bytes.length, 0)
      expect(progress.at(-1)).toMatchObject({ bytes: sizes, total: sizes })
      expect(progress.map(({ bytes }) => bytes)).toStrictEqual(progress.map(({ bytes }) => bytes).sort((a, b) => a - b))
      expect(new Set(progress.map(({ file }) => file))).toStrictEqual(new Set(files.keys()))
      expect(disk.contents()).toStrictEqual(files)
      const { levels: found } = yield* withStore(diskOf(files), (store) => store.stats, { ...levels, readOnly: true })
      expect(last).toMatchObject({ entries: found.reduce((n, { entries }) => n + entries, 0) })
      expect(found.filter(({ tables }) => tables > 0).length).toBeGreaterThan(1)
    }).pipe(quietly)
  )

  it.effect("finds a flipped bit anywhere, and reports its place", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      for (const [path, { length }] of files) {
        for (let offset = path.endsWith(".sst") ? length % 43 : 0; offset < length; offset += 43) {
          // A damaged last edit of a manifest looks like a torn end: nothing durable follows it.
          const look = path.includes("MANIFEST") ? findings : errors
          const found = yield* look(diskOf(flip(files, path, offset)))
          expect(found.length, `${path} ${offset}`).toBeGreaterThan(0)
          if (path.endsWith(".sst") || path.endsWith(".log")) {
            const near = found.find(({ file }) => file === path)!
            expect(near, `${path} ${offset}`).toMatchObject({ severity: "error", file: path })
            expect(near.offset).toBeLessThanOrEqual(offset)
          }
        }
      }
    }).pipe(quietly)
  )

  it.effect("finds truncated, missing, overlong and swapped files", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      for (const [path, bytes] of files) {
        const used = path.endsWith(".log") ? unusedFrom(bytes, 0) : bytes.length
        for (const length of [0, 1, 31, 32, 33, used >>> 1, used - 1]) {
          if (length >= bytes.length) continue
          const look = path.includes("MANIFEST") ? findings : errors
          expect((yield* look(diskOf(cut(files, path, length)))).length, `${path} ${length}`).toBeGreaterThan(0)
        }
        expect((yield* errors(diskOf(without(files, path)))).length, path).toBeGreaterThan(0)
        const longer = new Map([...files, [path, Uint8Array.from([...bytes, 0])]])
        if (path.endsWith(".sst")) expect((yield* errors(diskOf(longer))).length).toBe(1)
      }
      const [first, second] = filesNamed(files, ".sst")
      const swapped = new Map([...files, [first!, files.get(second!)!], [second!, files.get(first!)!]])
      const found = yield* errors(diskOf(swapped))
      for (const path of [first, second]) {
        expect(found).toContainEqual(expect.objectContaining({ file: path, region: "file header" }))
      }
    }).pipe(quietly)
  )

  it.effect("continues after damage, and finds every one of many places in one run", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      let damaged = files
      const all = [...filesNamed(files, ".sst"), ...filesNamed(files, ".log")]
      const written = all.filter((path) => files.get(path)!.length > 70)
      for (const path of written) damaged = flip(damaged, path, 70)
      const found = yield* errors(diskOf(damaged))
      expect(new Set(found.map(({ file }) => file))).toStrictEqual(new Set(written))
      const table = filesNamed(files, ".sst")[0]!
      const twice = flip(flip(files, table, 40), table, 700)
      const blocks = yield* errors(diskOf(twice))
      expect(blocks).toHaveLength(2)
      for (const block of blocks) {
        expect(block).toMatchObject({ region: "data block", reason: "checksum mismatch", bytes: expect.any(Number) })
        expect(block.keys?.from).toBeInstanceOf(Uint8Array)
      }
    }).pipe(quietly)
  )

  it.effect("reports what opening takes care of as notices", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      const disk = diskOf(files)
      disk.place(`${directory}/000999.sst`, new Uint8Array(10))
      disk.place(`${directory}/notes.txt`, new Uint8Array(10))
      expect(yield* findings(disk)).toMatchObject([
        { severity: "notice", file: `${directory}/000999.sst`, reason: expect.stringContaining("orphan") }
      ])
      // After a crash, unlike after a close, a torn end was never acknowledged as durable.
      const open = diskOf()
      const crashed = yield* withStore(open, (store) =>
        Effect.map(store.put("k", "v", { durability: "buffered" }), () => open.contents())
      )
      const log = filesNamed(crashed, ".log").find((path) => crashed.get(path)!.length > 70)!
      expect(yield* findings(diskOf(cut(crashed, log, crashed.get(log)!.length - 1)))).toMatchObject([
        { severity: "notice", file: log, region: "log frame" }
      ])
    }).pipe(quietly)
  )

  it.effect("finds wrong data with valid checksums", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      const table = filesNamed(files, ".sst")[0]!
      const empty = resealed(files, table, "partition", (bytes) => void bytes.fill(0, 0, lineBytes))
      expect(yield* errors(diskOf(empty))).toMatchObject([
        { file: table, region: "filter", reason: expect.stringMatching(/^rejects \d+ of the table's keys$/) }
      ])
      const counted = resealed(files, table, "properties", (bytes) => {
        bytes[24]! += 1
      })
      expect(yield* errors(diskOf(counted))).toMatchObject([
        { file: table, region: "table properties", reason: expect.stringMatching(/^entries \d+, but found \d+$/) }
      ])
      // An older manifest, put back, names tables that no longer exist.
      const disk = diskOf(files)
      yield* withStore(disk, (store) => Effect.zipRight(store.put("k", "v"), store.compact()), levels)
      const now = disk.contents()
      const old = [...files.keys()].filter((path) => /MANIFEST|CURRENT/.test(path))
      const stale = new Map([...now, ...old.map((path) => [path, files.get(path)!] as const)])
      expect((yield* errors(diskOf(stale))).length).toBeGreaterThan(0)
    }).pipe(quietly)
  )

  it.effect("reports damage whenever opening or reading everything fails", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      const sound = newest(yield* history)
      for (const [path, { length }] of files) {
        for (let offset = 5; offset < length; offset += 211) {
          const damaged = flip(files, path, offset)
          const read = yield* Effect.either(readAll(damaged))
          const found = yield* errors(diskOf(damaged))
          if (Either.isLeft(read)) expect(found.length, `${path} ${offset}`).toBeGreaterThan(0)
          else expect(Either.getOrThrow(read)).toStrictEqual(sound)
        }
      }
    }).pipe(quietly)
  )

  it.scoped("works on disk, not beside an owner, and reports a missing store", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      const run = LsmStore.verify({ directory: place.directory }).pipe(Stream.runLast)
      expect(yield* Effect.flip(run)).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          expect(yield* Effect.flip(run)).toMatchObject({ _tag: "StoreLocked" })
        })
      )
      expect(yield* run).toMatchObject({ value: { _tag: "Verified", records: 1, errors: 0 } })
      // A verification that ends early releases the directory.
      yield* LsmStore.verify({ directory: place.directory }).pipe(Stream.take(1), Stream.runDrain)
      yield* places.withStore(place, (store) => store.put("k", "v"))
      const nothing = LsmStore.verifyFromStorage({ directory: "" }).pipe(
        Stream.runDrain,
        Effect.provide(storageOf(diskOf()))
      )
      expect(yield* Effect.flip(nothing)).toMatchObject({ _tag: "InvalidArgument" })
    }).pipe(quietly)
  )
})
