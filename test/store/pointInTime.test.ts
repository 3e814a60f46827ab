import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Store } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import {
  cut,
  diskOf,
  errors,
  type Files,
  filesNamed,
  flip,
  quietly,
  without,
  withStore
} from "../support/laboratory.js"

const sessions = 4
const perSession = 5

/** The content of the store after this many batches. */
const modelAfter = (batches: number) => {
  const model = new Map<string, string>()
  for (let n = 1; n <= batches; n++) {
    model.set(`k${n % 7}`, `v${n}`)
    if (n % 5 === 0) model.delete(`k${(n - 2) % 7}`)
  }
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1))
}

const write = (store: Store.Store, n: number) =>
  Effect.zipRight(store.put(`k${n % 7}`, `v${n}`), n % 5 === 0 ? store.delete(`k${(n - 2) % 7}`) : Effect.void)

/** A cleanly closed store. Its first records are in a table, the others in several segments. */
const build = Effect.gen(function* () {
  const disk = diskOf()
  let n = 0
  yield* withStore(disk, (store) =>
    Effect.zipRight(
      Effect.forEach([1, 2, 3], () => write(store, ++n), { discard: true }),
      store.flush
    )
  )
  for (let session = 0; session < sessions; session++) {
    yield* withStore(disk, (store) =>
      Effect.forEach(Array.from({ length: perSession }), () => write(store, ++n), { discard: true })
    )
  }
  return { files: disk.contents() as Files, batches: n }
})

const contentOf = (files: Files, options = {}) => withStore(diskOf(files), (store) => pairs(store.scan()), options)

/**
 * Whether this was the content at some moment. A put and its delete are two records, so a cut may
 * fall between them.
 */
const isMoment = (found: ReadonlyArray<readonly [string, string]>, batches: number): boolean => {
  const text = JSON.stringify(found)
  for (let n = 3; n <= batches; n++) {
    if (JSON.stringify(modelAfter(n)) === text) return true
    const half = new Map(modelAfter(n - 1)).set(`k${n % 7}`, `v${n}`)
    if (JSON.stringify([...half].sort(([a], [b]) => (a < b ? -1 : 1))) === text) return true
  }
  return false
}

describe("recovery to a point in time", () => {
  it.effect("opens a sound store unchanged", () =>
    Effect.gen(function* () {
      const { files, batches } = yield* build
      const disk = diskOf(files)
      const recovery = yield* withStore(
        disk,
        (store) =>
          Effect.gen(function* () {
            expect(yield* pairs(store.scan())).toStrictEqual(modelAfter(batches))
            return (yield* store.stats).recovery
          }),
        { recovery: "pointInTime" }
      )
      expect(recovery).toMatchObject({ lost: [], aside: undefined })
      expect([...disk.contents().keys()].filter((path) => path.includes("aside"))).toStrictEqual([])
    }).pipe(quietly)
  )

  it.effect("cuts the log where its damage begins, at any place, and continues from there", () =>
    Effect.gen(function* () {
      const { files, batches } = yield* build
      const segments = filesNamed(files, ".log").filter((path) => files.get(path)!.length > 100)
      expect(segments.length).toBe(sessions)
      for (const path of segments) {
        const { length } = files.get(path)!
        for (let offset = 0; offset < length; offset += 29) {
          const damaged = flip(files, path, offset)
          const disk = diskOf(damaged)
          const strict = yield* Effect.match(contentOf(damaged), {
            onFailure: (error) => error,
            onSuccess: () => "opened"
          })
          expect(strict, `${path} ${offset}`).toMatchObject({ _tag: "Corruption" })
          const { found, recovery } = yield* withStore(
            disk,
            (store) =>
              Effect.gen(function* () {
                const found = yield* pairs(store.scan())
                yield* store.put("later", "1")
                return { found, recovery: (yield* store.stats).recovery }
              }),
            { recovery: "pointInTime" }
          )
          expect(isMoment(found, batches), `${path} ${offset}: ${found}`).toBe(true)
          expect(recovery.lost[0]).toMatchObject({ file: path })
          expect(recovery.aside).toMatch(/^\/store\/aside-\d+$/)
          // The cut segments are kept aside, byte for byte.
          const kept = disk.contents()
          const name = path.slice("/store/".length)
          expect(kept.get(`${recovery.aside}/${name}`)).toStrictEqual(damaged.get(path))
          for (const { file, region } of recovery.lost) {
            if (region !== "log segment") continue
            expect(kept.get(file.replace("/store", recovery.aside!))).toStrictEqual(damaged.get(file))
          }
          // The store now passes the strictest checks.
          const again = yield* withStore(disk, (store) => Effect.zip(pairs(store.scan()), store.stats))
          expect(again[0]).toStrictEqual([...found, ["later", "1"]])
          expect(again[1].recovery).toMatchObject({ lost: [], dropped: [], orphans: [] })
          expect(yield* errors(disk)).toStrictEqual([])
        }
      }
    }).pipe(quietly)
  )

  it.effect("loses nothing before the damage", () =>
    Effect.gen(function* () {
      const { files } = yield* build
      const segments = filesNamed(files, ".log").filter((path) => files.get(path)!.length > 100)
      for (const [i, path] of segments.entries()) {
        for (const damaged of [
          without(files, path),
          cut(files, path, 40),
          flip(files, path, 3),
          flip(files, path, 40)
        ]) {
          const found = yield* contentOf(damaged, { recovery: "pointInTime" })
          expect(found).toStrictEqual(modelAfter(3 + i * perSession))
        }
      }
    }).pipe(quietly)
  )

  it.effect("leaves a sound store even if the process dies before it closes the log", () =>
    Effect.gen(function* () {
      const { files } = yield* build
      for (const path of filesNamed(files, ".log").filter((name) => files.get(name)!.length > 100)) {
        const disk = diskOf(flip(files, path, 130))
        const [content, left] = yield* withStore(
          disk,
          (store) =>
            Effect.zip(
              Effect.zipRight(store.put("later", "1"), pairs(store.scan())),
              Effect.sync(() => disk.contents())
            ),
          { recovery: "pointInTime" }
        )
        expect(yield* contentOf(left)).toStrictEqual(content)
      }
    }).pipe(quietly)
  )

  it.effect("cuts permanently: salvage brings back neither the cut records nor a torn end", () =>
    Effect.gen(function* () {
      const { files } = yield* build
      for (const path of filesNamed(files, ".log").filter((name) => files.get(name)!.length > 100)) {
        const disk = diskOf(flip(files, path, 130))
        const content = yield* withStore(
          disk,
          (store) => Effect.zipRight(store.put("later", "1"), pairs(store.scan())),
          { recovery: "pointInTime" }
        )
        // The segment still has sound frames after the cut. Their sequence numbers were reused.
        const now = new Map([...disk.contents()].filter(([name]) => !name.includes("aside")))
        const manifest = [...now.keys()].find((name) => name.includes("MANIFEST"))!
        for (const damaged of [flip(now, manifest, 50), flip(now, manifest, 20), without(now, "/store/CURRENT")]) {
          expect(yield* contentOf(damaged, { recovery: "salvage" })).toStrictEqual(content)
        }
      }
    }).pipe(quietly)
  )

  it.effect("logs what it cut as a warning", () =>
    Effect.gen(function* () {
      const { files } = yield* build
      const path = filesNamed(files, ".log")[1]!
      const logs = captureLogs()
      yield* Effect.provide(contentOf(flip(files, path, 100), { recovery: "pointInTime" }), logs.layer)
      const warnings = logs.with("cut the log")
      expect(warnings[0]).toMatchObject({
        level: "WARN",
        annotations: { component: "Wal", file: path, region: "log frame", reason: expect.any(String) }
      })
      const bytes = warnings.slice(1).map(({ annotations }) => annotations["file"])
      expect(bytes).toStrictEqual(filesNamed(files, ".log").slice(1, 1 + bytes.length))
    })
  )

  it.effect("does not tolerate damage to tables or to the manifest", () =>
    Effect.gen(function* () {
      const { files } = yield* build
      const table = filesNamed(files, ".sst")[0]!
      const manifest = [...files.keys()].find((path) => path.includes("MANIFEST"))!
      for (const damaged of [without(files, table), flip(files, manifest, 50), flip(files, "/store/CURRENT", 8)]) {
        const disk = diskOf(damaged)
        const error = yield* Effect.flip(withStore(disk, () => Effect.void, { recovery: "pointInTime" }))
        expect(error._tag).toMatch(/Corruption|UnsupportedFormat/)
        expect(disk.contents()).toStrictEqual(damaged)
      }
      const error = yield* Effect.flip(contentOf(flip(files, table, 40), { recovery: "pointInTime" }))
      expect(error).toMatchObject({ _tag: "Corruption", file: table })
    }).pipe(quietly)
  )

  it.effect("only ignores the damage if the store is read-only", () =>
    Effect.gen(function* () {
      const { files, batches } = yield* build
      const path = filesNamed(files, ".log")[2]!
      const disk = diskOf(flip(files, path, 120))
      const before = disk.contents()
      const [found, { recovery }] = yield* withStore(disk, (store) => Effect.zip(pairs(store.scan()), store.stats), {
        readOnly: true,
        recovery: "pointInTime"
      })
      expect(isMoment(found, batches)).toBe(true)
      expect(recovery).toMatchObject({ aside: undefined, lost: [{ file: path }, {}, {}] })
      expect(disk.contents()).toStrictEqual(before)
    }).pipe(quietly)
  )
})
