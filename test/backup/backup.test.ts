import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Backup, Checkpoint, type LsmOptions, LsmStore, type Store } from "effect-lsm"
import { contentOf, errorsOf, tuning, write } from "../support/copies.js"
import { eventually } from "../support/eventually.js"
import { quietly } from "../support/laboratory.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const options: LsmOptions.Tuning = { ...tuning, valueThreshold: 50 }

/** Directories for a store, a backup and what is restored. */
const inPlace = <A, E>(use: (place: ReturnType<typeof placeIn>) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(temporaryDirectory, (home) => use(placeIn(home))))

const placeIn = (home: string) => ({
  store: join(home, "store"),
  backup: join(home, "backups/of the store"),
  restored: join(home, "restored")
})

const withStore = <A, E>(
  directory: string,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  more: Partial<LsmOptions.LsmOptions> = {}
) => quietly(Effect.scoped(Effect.flatMap(LsmStore.make({ ...options, ...more, directory }), use)))

const made = (backupOptions: Backup.BackupOptions) =>
  Effect.map(Stream.runCollect(Backup.make(backupOptions)), (events) => {
    const last = [...events].at(-1)
    if (last?._tag !== "Made") throw new Error("the last event is not Made")
    return last
  })

const findingsOf = (directory: string) =>
  Effect.map(Stream.runCollect(Backup.verify(directory)), (events) =>
    [...events].filter((event): event is Backup.BackupFinding => event._tag === "Finding")
  )

const bytesIn = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

const flip = (path: string, at = statSync(path).size >>> 1) => {
  const bytes = readFileSync(path)
  bytes[at] = bytes[at]! ^ 0x20
  writeFileSync(path, bytes)
}

const someFile = (directory: string, ending: string): string =>
  join(directory, readdirSync(directory).find((name) => name.endsWith(ending))!)

describe("a backup", () => {
  it.live("that is made during writes equals the store at one sequence number", () =>
    inPlace(({ backup, restored, store }) =>
      Effect.gen(function* () {
        let [submitted, acknowledged] = [0, 0]
        const generations: Array<readonly [Backup.BackupMade, number]> = []
        yield* withStore(store, (open) =>
          Effect.gen(function* () {
            const writer = yield* Effect.fork(
              Effect.gen(function* () {
                for (;;) {
                  yield* write(open, ++submitted, 70)
                  acknowledged = submitted
                  yield* Effect.yieldNow()
                }
              })
            )
            for (let i = 0; i < 4; i++) {
              const before = acknowledged
              generations.push([yield* made({ from: open, into: backup }), before])
              yield* eventually(
                Effect.sync(() => submitted),
                (count) => count > before + 5
              )
            }
            yield* Fiber.interrupt(writer)
          })
        )
        rmSync(store, { recursive: true })
        expect(yield* findingsOf(backup)).toEqual([])
        const list = yield* Backup.list(backup)
        expect(list.map(({ generation, sequence }) => [generation, sequence])).toEqual(
          generations.map(([{ generation, sequence }]) => [generation, sequence])
        )
        for (const [{ generation, sequence }, least] of generations) {
          const into = `${restored}-${generation}`
          const report = yield* Backup.restore({ from: backup, into, generation })
          expect(report).toMatchObject({ directory: into, generation, sequence })
          expect(yield* errorsOf(into)).toEqual([])
          yield* withStore(into, (open) =>
            Effect.gen(function* () {
              const round = Number((yield* contentOf(open)).get("key0")!.split(":")[0])
              expect(round).toBeGreaterThanOrEqual(least)
              expect(sequence).toBe(round * 60)
              const whole = new Map(Array.from({ length: 60 }, (_, n) => [`key${n}`, `${round}:${n}:`.padEnd(70, "v")]))
              expect(yield* contentOf(open)).toEqual(whole)
              yield* write(open, 1)
              yield* open.compact()
            })
          )
          expect(yield* errorsOf(into)).toEqual([])
        }
      })
    )
  )

  it.live("copies only what is new, and keeps as many generations as it is told", () =>
    inPlace(({ backup, restored, store }) =>
      Effect.gen(function* () {
        const contents: Array<Map<string, string>> = []
        yield* withStore(store, (open) =>
          Effect.gen(function* () {
            for (let n = 0; n < 3000; n++)
              yield* open.put(`base${n}`, `${n}:`.padEnd(60, "b"), { durability: "buffered" })
            yield* open.compact()
            const first = yield* made({ from: open, into: backup })
            contents.push(yield* contentOf(open))
            expect(first).toMatchObject({ generation: 1, copiedFiles: first.files, copiedBytes: first.bytes })
            expect(first.bytes).toBeGreaterThan(100_000)
            yield* open.put("one", "more")
            const second = yield* made({ from: open, into: backup })
            contents.push(yield* contentOf(open))
            // The log alone.
            expect(second.copiedFiles).toBe(1)
            expect(second.copiedBytes).toBeLessThan(5000)
            expect(second.files).toBeGreaterThan(5)
            yield* open.delete("base1")
            yield* open.compact()
            const third = yield* made({ from: open, into: backup, keep: 2 })
            contents.push(yield* contentOf(open))
            expect(third.removed).toEqual([1])
          })
        )
        expect((yield* Backup.list(backup)).map(({ generation }) => generation)).toEqual([2, 3])
        const before = bytesIn(backup)
        const last = yield* quietly(made({ from: store, into: backup, keep: 1 }))
        expect(last).toMatchObject({ generation: 4, removed: [2, 3] })
        expect(bytesIn(backup)).toBeLessThan(before)
        expect(bytesIn(backup)).toBeLessThan(last.bytes + 10_000)
        yield* Backup.restore({ from: backup, into: restored })
        expect(yield* withStore(restored, contentOf)).toEqual(contents[2])
        expect(yield* Effect.flip(Backup.restore({ from: backup, into: `${restored}2`, generation: 2 }))).toMatchObject(
          { _tag: "InvalidArgument", argument: "generation" }
        )
      })
    )
  )

  it.live("goes on from a restored older generation, and from a copy that went its own way", () =>
    inPlace(({ backup, restored, store }) =>
      Effect.gen(function* () {
        const fork = `${restored} fork`
        yield* withStore(store, (open) =>
          Effect.gen(function* () {
            yield* write(open, 0)
            yield* open.flush
            yield* made({ from: open, into: backup })
            yield* Checkpoint.make(open, { into: fork })
            yield* write(open, 1)
            yield* open.compact()
            yield* made({ from: open, into: backup })
          })
        )
        yield* Backup.restore({ from: backup, into: restored, generation: 1 })
        const contents: Array<Map<string, string>> = []
        for (const [i, directory] of [restored, fork].entries()) {
          yield* withStore(directory, (open) =>
            Effect.gen(function* () {
              yield* write(open, 5 + i)
              yield* open.compact()
              contents.push(yield* contentOf(open))
              yield* made({ from: open, into: backup })
            })
          )
        }
        expect(yield* findingsOf(backup)).toEqual([])
        for (const [i, content] of contents.entries()) {
          yield* Backup.restore({ from: backup, into: `${restored}-${i}`, generation: 3 + i })
          expect(yield* withStore(`${restored}-${i}`, contentOf)).toEqual(content)
        }
      })
    )
  )

  it.live("finds damage in the store, and names the file", () =>
    inPlace(({ backup, store }) =>
      Effect.gen(function* () {
        yield* withStore(
          store,
          (open) =>
            Effect.gen(function* () {
              yield* write(open, 0, 40)
              yield* open.flush
              yield* write(open, 1, 80)
              yield* open.flush
            }),
          { level0Tables: 1000 }
        )
        for (const ending of [".sst", ".val"]) {
          const path = someFile(store, ending)
          flip(path)
          const failed = yield* Effect.flip(made({ from: store, into: backup }))
          expect(failed, ending).toMatchObject({ _tag: "Corruption", file: path })
          expect(readdirSync(backup)).toEqual(["BACKUP"])
          flip(path)
        }
        expect((yield* made({ from: store, into: backup })).generation).toBe(1)
      })
    )
  )

  it.live("finds damage in the backup, and names the file and its generations", () =>
    inPlace(({ backup, restored, store }) =>
      Effect.gen(function* () {
        yield* withStore(store, (open) =>
          Effect.gen(function* () {
            yield* write(open, 0)
            yield* open.flush
            yield* made({ from: open, into: backup })
            yield* open.put("more", "1")
            yield* made({ from: open, into: backup })
          })
        )
        const content = yield* withStore(store, contentOf)
        for (const name of readdirSync(backup).filter((name) => name !== "BACKUP")) {
          const path = join(backup, name)
          flip(path)
          const found = yield* findingsOf(backup)
          expect(found.map(({ file }) => file)).toEqual([path])
          const failed = yield* Effect.match(Backup.restore({ from: backup, into: restored }), {
            onFailure: (error) => error,
            onSuccess: () => undefined
          })
          const isOfNewest = found[0]!.generations.includes(2) || name === "GENERATION-000002"
          if (isOfNewest) expect(failed).toMatchObject({ _tag: "Corruption", file: path })
          expect(existsSync(restored)).toBe(!isOfNewest)
          rmSync(restored, { recursive: true, force: true })
          flip(path)
          const whole = readFileSync(path)
          writeFileSync(path, whole.subarray(0, whole.length - 1))
          expect((yield* findingsOf(backup)).map(({ file }) => file)).toEqual([path])
          rmSync(path)
          const missing = yield* findingsOf(backup)
          if (!name.startsWith("GENERATION")) expect(missing).toMatchObject([{ file: path, reason: "missing" }])
          writeFileSync(path, whole)
        }
        expect(yield* findingsOf(backup)).toEqual([])
        yield* Backup.restore({ from: backup, into: restored })
        expect(yield* withStore(restored, contentOf)).toEqual(content)
      })
    )
  )

  it.live("refuses other directories and options", () =>
    inPlace(({ backup, restored, store }) =>
      Effect.gen(function* () {
        yield* withStore(store, (open) => Effect.zipRight(write(open, 0), open.flush))
        yield* withStore(restored, (open) => write(open, 0))
        const refused = (backupOptions: Backup.BackupOptions, argument: string) =>
          Effect.map(Effect.flip(made(backupOptions)), (outcome) =>
            expect(outcome).toMatchObject({ _tag: "InvalidArgument", argument })
          )
        for (const into of [store, join(store, "inside"), restored]) yield* refused({ from: store, into }, "into")
        for (const keep of [0, -1, 1.5, Number.NaN]) yield* refused({ from: store, into: backup, keep }, "keep")
        yield* refused({ from: `${store} that is not there`, into: backup }, "directory")
        expect(existsSync(backup)).toBe(false)
        yield* made({ from: store, into: backup })
        yield* refused({ from: restored, into: backup }, "into")
        for (const from of [store, `${store} that is not there`]) {
          expect(yield* Effect.flip(Backup.restore({ from, into: `${restored}2` }))).toMatchObject({
            _tag: "InvalidArgument",
            argument: "from"
          })
        }
        expect(yield* Effect.flip(Backup.restore({ from: backup, into: restored }))).toMatchObject({
          _tag: "InvalidArgument",
          argument: "into"
        })
      })
    )
  )
})
