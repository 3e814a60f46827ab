import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { type LsmOptions, LsmStore, type Maintenance, Storage, type Store, WriteBatch } from "effect-lsm"
import { checksum } from "../../src/core/bytes/checksum.js"
import { writeU32 } from "../../src/core/bytes/encoding.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { Journal, quickDisk } from "../crash/journal.js"
import { JournalHistory } from "../crash/states.js"
import { pairs } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import {
  faultOfSalvage,
  type History,
  heldHistory,
  history,
  levels,
  loggedHistory,
  newest,
  separatedHistory,
  withThreadedStore
} from "../support/history.js"
import {
  cut,
  directory,
  diskOf,
  errors,
  type Files,
  filesNamed,
  flip,
  quietly,
  storageOf,
  without,
  withStore
} from "../support/laboratory.js"
import * as places from "../support/places.js"
import { scale } from "../support/property.js"
import { expiryOf, makeRangedHistory } from "../support/rangedHistory.js"

const salvaging = { ...levels, recovery: "salvage" as const }

/** The store's own files, without the files kept aside. */
const ownFiles = (files: Files): Files => new Map([...files].filter(([path]) => !path.includes("aside")))

/**
 * Every kind of damage at many places, each with a name. Yields one in `every`, and more with a
 * larger LSM_TEST_SCALE.
 */
function* damages(history: History, every: number): Generator<readonly [string, Files]> {
  let n = 0
  for (const damage of allDamages(history, 251)) if (n++ % Math.max(1, Math.floor(every / scale)) === 0) yield damage
}

function* allDamages({ files }: History, step: number): Generator<readonly [string, Files]> {
  for (const [path, bytes] of files) {
    for (let offset = bytes.length % step; offset < bytes.length; offset += step) {
      yield [`${path} flipped at ${offset}`, flip(files, path, offset)]
    }
    for (const length of [0, 20, 32, Math.floor(bytes.length / 3), Math.floor(bytes.length / 2), bytes.length - 1]) {
      if (length < bytes.length) yield [`${path} cut to ${length}`, cut(files, path, length)]
    }
    yield [`${path} missing`, without(files, path)]
  }
}

const repair = (files: Files, options = {}) => {
  const disk = diskOf(files)
  return LsmStore.repairFromStorage(directory, { ...levels, into: "/new", ...options }).pipe(
    Effect.provide(storageOf(disk)),
    Effect.map((report) => ({ report, disk }))
  )
}

const repaired = (files: Files) =>
  Effect.gen(function* () {
    const { report, disk } = yield* repair(files)
    const found = yield* withStore(disk, (store) => pairs(store.scan()), { directory: "/new" })
    return { report, disk, found }
  })

describe("salvage", () => {
  it.effect("opens a sound store unchanged", () =>
    Effect.gen(function* () {
      const made = yield* history
      const disk = diskOf(made.files)
      const { recovery, tables } = yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            expect(yield* pairs(store.scan())).toStrictEqual(newest(made))
            return yield* store.stats
          }),
        salvaging
      )
      expect(recovery).toMatchObject({ lost: [], aside: undefined })
      expect(tables).toBe(filesNamed(made.files, ".sst").length)
      expect([...disk.contents().keys()].filter((path) => path.includes("aside"))).toStrictEqual([])
      // Without a store, one is created.
      yield* withStore(diskOf(), (store) => store.put("k", "v"), salvaging)
    }).pipe(quietly)
  )

  const salvages = (history: Effect.Effect<History>, every: number, more: LsmOptions.Tuning) =>
    Effect.gen(function* () {
      const made = yield* history
      let salvaged = 0
      for (const [name, files] of damages(made, every)) {
        const disk = diskOf(files)
        const [found, { recovery }] = yield* withStore(disk, (store) => Effect.zip(pairs(store.scan()), store.stats), {
          ...salvaging,
          ...more
        })
        expect(faultOfSalvage(made, found, [...recovery.lost]), name).toBeUndefined()
        const after = disk.contents()
        if (recovery.aside !== undefined) {
          salvaged++
          for (const [path, bytes] of files) {
            const kept = after.get(path.replace(directory, recovery.aside))
            if (!path.endsWith(".tmp")) expect(kept, `${name}: ${path}`).toStrictEqual(bytes)
          }
        }
        // The store is now sound. Only the files kept aside remain of the old one.
        expect(yield* errors(disk), name).toStrictEqual([])
        const again = yield* withStore(disk, (store) => Effect.zip(pairs(store.scan()), store.stats), levels)
        expect(again[0], name).toStrictEqual(found)
        expect(again[1].recovery, name).toMatchObject({ orphans: [], lost: [] })
      }
      expect(salvaged).toBeGreaterThan(8)
    }).pipe(quietly)

  it.effect("keeps all sound entries, invents none, and reports which keys may be lost", () => salvages(history, 4, {}))

  it.effect("does so with separated values", () => salvages(separatedHistory, 8, { valueThreshold: 30 }))

  it.effect("does so with values in the log", () => salvages(loggedHistory, 16, { valueThreshold: 30 }))

  it.effect("does so with separated values, and puts them into tables", () => salvages(separatedHistory, 11, {}))

  it.effect("does so with deleted ranges and values that expire, which keep their times", () =>
    Effect.gen(function* () {
      const made = yield* makeRangedHistory
      expect(filesNamed(made.files, ".val").length).toBeGreaterThan(0)
      yield* salvages(Effect.succeed(made), 8, { valueThreshold: 70 })
      const { disk, found } = yield* repaired(made.files)
      expect(found).toStrictEqual(newest(made))
      expect(found.filter(([, value]) => expiryOf(value) !== undefined).length).toBeGreaterThan(1)
      yield* withStore(
        disk,
        (store) =>
          Effect.forEach(found, ([key, value]) =>
            Effect.map(store.expiresAt(key), (time) => {
              expect(Option.getOrUndefined(time), key).toBe(expiryOf(value))
            })
          ),
        { directory: "/new" }
      )
    }).pipe(quietly)
  )

  it.effect("does not bring back what a range deletion in a damaged or missing table deleted", () =>
    Effect.gen(function* () {
      const keyOf = (i: number) => `key${String(i).padStart(3, "0")}`
      const disk = diskOf()
      const options = { ...levels, level0Tables: 1000, level1Bytes: 2 ** 30 }
      yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (let i = 0; i < 60; i++) yield* store.put(keyOf(i), `${i} ${"x".repeat(30)}`)
            yield* store.compact()
            const batch = WriteBatch.make().deleteRange({ start: keyOf(5), end: keyOf(50) })
            for (let i = 6; i < 40; i++) batch.put(`${keyOf(i)} new`, "x".repeat(30))
            yield* store.write(batch)
            yield* store.flush
          }),
        options
      )
      const files = disk.contents()
      const path = filesNamed(files, ".sst").at(-1)!
      // The range deletion is in the first of several blocks.
      for (const damaged of [flip(files, path, 40), cut(files, path, 40), without(files, path)]) {
        const { found, report } = yield* repaired(damaged)
        const there = found.flatMap(([key]) => (key.endsWith("new") ? [] : [key]))
        expect(there).toStrictEqual([0, 1, 2, 3, 4, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59].map(keyOf))
        expect(report.lost.length).toBeGreaterThan(0)
      }
    }).pipe(quietly)
  )

  it.effect("remembers the time, so that nothing comes back when the clock goes back", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const keys = (store: Store.Store) => Effect.map(store.collect(), (all) => all.map(({ key }) => `${key}`))
      yield* withStore(disk, (store) =>
        Effect.gen(function* () {
          yield* store.put("short", "1", { ttl: 1000 })
          yield* store.put("long", "2", { ttl: 1_000_000 })
          yield* store.put("plain", "3")
          yield* TestClock.adjust(1000)
          yield* store.flush
          yield* store.put("late", "4", { ttl: 1000 })
          yield* store.flush
          yield* TestClock.adjust(1000)
          yield* store.put("last", "5")
          yield* store.flush
        })
      )
      yield* TestClock.setTime(0)
      const expected = yield* withStore(disk, keys)
      expect(expected).toHaveLength(3)
      const table = filesNamed(disk.contents(), ".sst").at(-1)!
      const damaged = flip(disk.contents(), table, disk.contents().get(table)!.length - 1)
      const { report, disk: into } = yield* repair(damaged)
      expect(report.lost).toStrictEqual([])
      expect(yield* withStore(into, keys, { directory: "/new" })).toStrictEqual(expected)
      expect(yield* withStore(diskOf(damaged), keys, salvaging)).toStrictEqual(expected)
    }).pipe(quietly)
  )

  it.effect("loses the one value that is damaged, and says which", () =>
    Effect.gen(function* () {
      const made = yield* separatedHistory
      const sound = newest(made)
      const valueFile = filesNamed(made.files, ".val").at(-1)!
      const disk = diskOf(flip(made.files, valueFile, 40))
      const { recovery } = yield* withStore(disk, (store) => store.stats, { ...salvaging, valueThreshold: 30 })
      expect(recovery.lost).toHaveLength(1)
      const [{ file, keys, region }] = recovery.lost as [Maintenance.Damage]
      expect([file, region]).toStrictEqual([valueFile, "value"])
      const key = Buffer.from(keys!.from!).toString()
      expect(Buffer.from(keys!.to!).toString()).toBe(key)
      const found = yield* withStore(disk, (store) => pairs(store.scan()))
      const others = (pair: readonly [string, string]) => pair[0] !== key
      expect(found.filter(others)).toStrictEqual(sound.filter(others))
      // A repair into a new directory takes the values along.
      const again = yield* repaired(made.files)
      expect([again.found, again.report.lost]).toStrictEqual([sound, []])
    }).pipe(quietly)
  )

  it.effect("names every key whose value lay behind the end of a file that was cut", () =>
    Effect.gen(function* () {
      for (const [made, ending] of [
        [yield* separatedHistory, ".val"],
        [yield* loggedHistory, ".log"]
      ] as const) {
        for (const path of filesNamed(made.files, ending)) {
          if (made.files.get(path)!.length < 600) continue
          const { found, report } = yield* repaired(cut(made.files, path, 200))
          expect(faultOfSalvage(made, found, [...report.lost]), path).toBeUndefined()
        }
      }
    }).pipe(quietly)
  )

  it.effect("brings back no replaced or deleted entry, even if its tables still exist", () =>
    Effect.gen(function* () {
      const made = yield* heldHistory
      const { files } = made
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      for (let offset = 0; offset < 32; offset++) {
        const name = `header flipped at ${offset}`
        const damaged = flip(files, manifest, offset)
        const [found, { recovery }] = yield* withStore(
          diskOf(damaged),
          (store) => Effect.zip(pairs(store.scan()), store.stats),
          salvaging
        )
        expect(found, name).toStrictEqual(newest(made))
        expect(recovery.lost, name).toStrictEqual([])
        const again = yield* repaired(damaged)
        expect([again.found, again.report.lost], name).toStrictEqual([newest(made), []])
      }
      // The edits after the first one show which tables were replaced.
      const { found, report } = yield* repaired(flip(files, manifest, 50))
      expect(found).toStrictEqual(newest(made))
      expect(report.lost.length).toBeGreaterThan(0)
    }).pipe(quietly)
  )

  it.effect("brings back no deleted entry whose value lies in a log segment that is kept for others", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const value = (key: string) => `${key}:`.padEnd(2000, "v")
      yield* withThreadedStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            for (const key of "abcdefgh") yield* store.put(key, value(key))
            yield* store.flush
            yield* store.delete("a")
            yield* store.put("b", "new")
            yield* store.flush
            yield* store.compact()
            expect((yield* store.stats).valueFiles.count).toBe(1)
          }),
        { ...levels, valueThreshold: 1000 }
      )
      const files = disk.contents()
      const sound = [["b", "new"], ...[..."cdefgh"].map((key) => [key, value(key)])]
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      for (const damaged of [
        files,
        without(files, manifest),
        without(without(files, manifest), `${directory}/CURRENT`)
      ]) {
        expect((yield* repaired(damaged)).found).toStrictEqual(sound)
        expect(yield* withStore(diskOf(damaged), (store) => pairs(store.scan()), salvaging)).toStrictEqual(sound)
      }
    }).pipe(quietly)
  )

  it.effect("counts a segment without more than a damaged header as lost", () =>
    Effect.gen(function* () {
      const made = yield* heldHistory
      const { files } = made
      const segments = filesNamed(files, ".log").filter((path) => files.get(path)!.length > 100)
      expect(segments.length).toBeGreaterThan(0)
      for (const segment of segments) {
        const zeros = new Map([...files, [segment, new Uint8Array(files.get(segment)!.length)]])
        const damages: ReadonlyArray<readonly [string, Files]> = [
          ...[0, 10, 31].map((length) => [`${segment} cut to ${length}`, cut(files, segment, length)] as const),
          [`${segment} all zeros`, zeros],
          [`${segment} as CURRENT`, new Map([...files, [segment, files.get(`${directory}/CURRENT`)!]])]
        ]
        for (const [name, damaged] of damages) {
          const [found, { recovery }] = yield* withStore(
            diskOf(damaged),
            (store) => Effect.zip(pairs(store.scan()), store.stats),
            salvaging
          )
          expect(
            recovery.lost.some(({ file }) => file === segment),
            name
          ).toBe(true)
          expect(faultOfSalvage(made, found, [...recovery.lost]), name).toBeUndefined()
          const { report } = yield* repaired(damaged)
          expect(
            report.lost.some(({ file }) => file === segment),
            name
          ).toBe(true)
        }
      }
    }).pipe(quietly)
  )

  it.effect("loses nothing if all damaged data can be rebuilt", () =>
    Effect.gen(function* () {
      const made = yield* history
      const { files } = made
      let whole = files
      for (const path of filesNamed(files, ".sst")) whole = flip(whole, path, files.get(path)!.length - 1)
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      for (const damaged of [whole, without(files, `${directory}/CURRENT`), flip(files, manifest, 60)]) {
        const [found, { recovery }] = yield* withStore(
          diskOf(damaged),
          (store) => Effect.zip(pairs(store.scan()), store.stats),
          salvaging
        )
        expect(found).toStrictEqual(newest(made))
        expect(recovery.aside).toBeDefined()
      }
    }).pipe(quietly)
  )

  it.effect("reports every truncated table, and the keys that it may have held", () =>
    Effect.gen(function* () {
      const made = yield* history
      let files = made.files
      const tables = filesNamed(files, ".sst")
      for (const [i, path] of tables.entries()) {
        files = cut(files, path, i % 3 === 0 ? 0 : 30 + i * 5)
      }
      const { report, found } = yield* repaired(files)
      expect(faultOfSalvage(made, found, report.lost)).toBeUndefined()
      for (const path of tables) {
        const loss = report.lost.find(({ file }) => file === path)
        expect(loss, path).toMatchObject({ region: "data block", bytes: expect.any(Number) })
        expect(loss?.keys?.from).toBeDefined()
        expect(loss?.keys?.to).toBeDefined()
      }
    }).pipe(quietly)
  )

  it.effect("finds sound records after a damaged one", () =>
    Effect.gen(function* () {
      const made = yield* history
      const path = filesNamed(made.files, ".log").findLast((name) => made.files.get(name)!.length > 100)!
      // The log has six records. Damage the first of the last three.
      const { report } = yield* repaired(flip(made.files, path, 100))
      expect(report).toMatchObject({
        records: 5,
        lost: [{ file: path, region: "log frame", reason: "a damaged frame" }]
      })
    }).pipe(quietly)
  )

  it.effect("uses the manifest if only CURRENT is damaged, and ignores a table that a compaction replaced", () =>
    Effect.gen(function* () {
      const disk = diskOf()
      const open = <A, E>(use: (store: Store.Store) => Effect.Effect<A, E>) => withStore(disk, use)
      yield* open((store) => Effect.zipRight(store.put("deleted", "1"), store.compact()))
      const old = disk.contents()
      yield* open((store) => Effect.all([store.delete("deleted"), store.put("kept", "2"), store.compact()]))
      const path = filesNamed(old, ".sst")[0]!
      const left = new Map([...without(disk.contents(), `${directory}/CURRENT`), [path, old.get(path)!]])
      expect(left.size).toBe(disk.contents().size)
      const found = yield* withStore(diskOf(left), (store) => pairs(store.scan()), salvaging)
      expect(found).toStrictEqual([["kept", "2"]])
    }).pipe(quietly)
  )

  it.effect("keeps the rest of many damaged files, and logs the losses as warnings", () =>
    Effect.gen(function* () {
      const made = yield* history
      let files = made.files
      for (const path of [...filesNamed(files, ".sst"), ...filesNamed(files, ".log")]) {
        if (files.get(path)!.length > 300) files = flip(flip(files, path, 100), path, 290)
      }
      const logs = captureLogs()
      const [found, { recovery }] = yield* withStore(
        diskOf(files),
        (store) => Effect.zip(pairs(store.scan()), store.stats),
        salvaging
      ).pipe(Effect.provide(logs.layer))
      expect(faultOfSalvage(made, found, recovery.lost.filter(({ keys }) => keys !== undefined) as never)).toBeDefined()
      expect(faultOfSalvage(made, found, [...recovery.lost])).toBeUndefined()
      expect(found.length).toBeGreaterThan(newest(made).length / 3)
      const warnings = logs.with("salvaged a damaged store")
      expect(warnings.length).toBeGreaterThanOrEqual(recovery.lost.length)
      for (const { level } of warnings) expect(level).toBe("WARN")
      const blocks = recovery.lost.filter(({ region }) => region === "data block")
      for (const { bytes, keys } of blocks) {
        expect(bytes).toBeGreaterThan(0)
        expect(keys?.from).toBeDefined()
        expect(keys?.to).toBeDefined()
      }
    })
  )

  it.effect("does not touch a store of an unknown version", () =>
    Effect.gen(function* () {
      const made = yield* history
      for (const end of [".sst", ".log", "CURRENT"]) {
        const path = filesNamed(made.files, end)[0]!
        const bytes = made.files.get(path)!.slice()
        bytes[8] = 200
        writeU32(bytes, 28, checksum(bytes, 0, 28, 0))
        // Another table is damaged too. Salvage could repair it.
        const table = filesNamed(made.files, ".sst").at(-1)!
        const files = flip(new Map([...made.files, [path, bytes]]), table, 60)
        const disk = diskOf(files)
        expect(yield* Effect.flip(withStore(disk, () => Effect.void, salvaging))).toMatchObject({
          _tag: "UnsupportedFormat",
          file: path,
          version: 200
        })
        expect(ownFiles(disk.contents())).toStrictEqual(files)
        expect(yield* Effect.flip(repair(files))).toMatchObject({ _tag: "UnsupportedFormat" })
      }
    }).pipe(quietly)
  )

  it.effect("ends with the same store wherever a crash interrupts it", () =>
    Effect.gen(function* () {
      const made = yield* history
      const table = filesNamed(made.files, ".sst")[0]!
      const log = filesNamed(made.files, ".log")[0]!
      const manifest = [...made.files.keys()].find((path) => path.includes("MANIFEST"))!
      for (const damaged of [
        flip(flip(made.files, table, 60), log, 100),
        flip(made.files, manifest, 60),
        without(made.files, `${directory}/CURRENT`)
      ]) {
        const journal = new Journal()
        const disk = quickDisk(journal.observer)
        for (const [path, bytes] of damaged) disk.place(path, bytes)
        const expected = yield* withStore(disk, (store) => pairs(store.scan()), salvaging)
        const crashes = new JournalHistory(damaged)
        let states = 0
        for (const event of journal.events) {
          if (!crashes.advance(event)) continue
          for (const state of crashes.states(7)) {
            if (++states % 97 !== 0) continue
            const left = diskOf(state.files())
            const found = yield* withStore(left, (store) => pairs(store.scan()), salvaging)
            expect(found, state.label()).toStrictEqual(expected)
            const again = yield* withStore(left, (store) => Effect.zip(pairs(store.scan()), store.stats), levels)
            expect(again[0]).toStrictEqual(expected)
            expect(again[1].recovery.orphans).toStrictEqual([])
          }
        }
        expect(states).toBeGreaterThan(400)
      }
    }).pipe(quietly)
  )

  it.effect("copies files if links are not supported", () =>
    Effect.gen(function* () {
      const made = yield* history
      const files = flip(made.files, filesNamed(made.files, ".sst")[0]!, 60)
      const disk = diskOf(files)
      const storage = {
        ...fromMemoryDisk(disk),
        link: (path: string) =>
          Effect.fail(new Storage.StorageFailure("link", path, "EPERM")).pipe(Effect.mapError(asError))
      }
      const { recovery } = yield* Effect.flatMap(LsmStore.LsmStore, (store) => store.stats).pipe(
        Effect.provide(LsmStore.layerFromStorage({ ...salvaging, directory })),
        Effect.provide(Layer.succeed(Storage.Storage, storage))
      )
      const after = disk.contents()
      for (const [path, bytes] of files)
        expect(after.get(path.replace(directory, recovery.aside!))).toStrictEqual(bytes)
    }).pipe(quietly)
  )

  it.scoped("works on disk; files kept aside are linked, not copied, and can be repaired again", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          for (let i = 0; i < 50; i++) yield* store.put(`k${i}`, "x".repeat(200), { durability: "buffered" })
          yield* store.flush
        })
      )
      const table = readdirSync(place.directory).find((name) => name.endsWith(".sst"))!
      const path = join(place.directory, table)
      const bytes = readFileSync(path)
      bytes[100]! ^= 1
      writeFileSync(path, bytes)
      const { ino } = statSync(path)
      const options = { directory: place.directory, recovery: "salvage" as const }
      const { recovery, count } = yield* Effect.flatMap(LsmStore.LsmStore, (store) =>
        Effect.zipWith(store.stats, store.count(), ({ recovery }, count) => ({ recovery, count }))
      ).pipe(Effect.provide(LsmStore.layer(options)))
      expect(recovery.lost).toMatchObject([{ file: path, region: "data block" }])
      expect(count).toBeGreaterThan(20)
      expect(count).toBeLessThan(50)
      expect(existsSync(path)).toBe(false)
      expect(statSync(join(recovery.aside!, table)).ino).toBe(ino)
      const report = yield* LsmStore.repair(recovery.aside!, { into: join(place.directory, "new") })
      expect(report).toMatchObject({ entries: count, tables: 1, lost: [{ region: "data block" }] })
      expect(readdirSync(recovery.aside!)).not.toContain("LOCK")
    }).pipe(quietly)
  )
})

const asError = ({ operation, path, code }: Storage.StorageFailure) =>
  ({ _tag: "StorageError", operation, path, code }) as never

describe("repair", () => {
  it.effect("makes a complete copy of a sound store", () =>
    Effect.gen(function* () {
      const made = yield* history
      const { report, disk, found } = yield* repaired(made.files)
      expect(found).toStrictEqual(newest(made))
      expect(report).toMatchObject({
        directory,
        into: "/new",
        tables: filesNamed(made.files, ".sst").length,
        segments: filesNamed(made.files, ".log").length,
        records: 6,
        entries: found.length,
        lost: []
      } satisfies Partial<Maintenance.RepairReport>)
      for (const [path, bytes] of made.files) expect(disk.contents().get(path)).toStrictEqual(bytes)
    }).pipe(quietly)
  )

  it.effect("keeps all sound entries, and changes no byte of its source", () =>
    Effect.gen(function* () {
      const made = yield* history
      for (const [name, files] of damages(made, 9)) {
        const { report, disk, found } = yield* repaired(files)
        expect(faultOfSalvage(made, found, [...report.lost]), name).toBeUndefined()
        const after = disk.contents()
        const own = new Map([...after].filter(([path]) => path.startsWith(`${directory}/`)))
        expect(own, name).toStrictEqual(files)
        yield* withStore(disk, (store) => store.put("k", "v"), { directory: "/new" })
      }
    }).pipe(quietly)
  )

  it.effect("finds the data blocks of a table whose index and footer are lost", () =>
    Effect.gen(function* () {
      const made = yield* history
      let files = made.files
      for (const path of filesNamed(files, ".sst")) {
        const bytes = files.get(path)!.slice()
        bytes.fill(0, bytes.length - 60)
        files = new Map([...files, [path, bytes]])
      }
      const { report, found } = yield* repaired(files)
      expect(found).toStrictEqual(newest(made))
      expect(report.lost).toStrictEqual([])
    }).pipe(quietly)
  )

  it.effect("refuses a target that is not empty or inside the source, and a source that is missing or locked", () =>
    Effect.gen(function* () {
      const { files } = yield* history
      const occupied = new Map([...files, ["/new/notes.txt", new Uint8Array(1)]])
      expect(yield* Effect.flip(repair(occupied))).toMatchObject({ _tag: "InvalidArgument", argument: "into" })
      for (const into of [directory, `${directory}/new`, ""]) {
        expect(yield* Effect.flip(repair(files, { into })), into).toMatchObject({ _tag: "InvalidArgument" })
      }
      expect(yield* Effect.flip(repair(new Map()))).toMatchObject({ _tag: "InvalidArgument", argument: "directory" })
      const disk = diskOf(files)
      const beside = LsmStore.repairFromStorage(directory, { into: "/new" }).pipe(Effect.provide(storageOf(disk)))
      yield* withStore(disk, () =>
        Effect.map(Effect.flip(beside), (error) => expect(error).toMatchObject({ _tag: "StoreLocked" }))
      )
    }).pipe(quietly)
  )
})
