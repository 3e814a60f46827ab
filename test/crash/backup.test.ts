import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Backup, Storage, type Store, WriteBatch } from "effect-lsm"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { contentOf, tuning } from "../support/copies.js"
import { diskOf } from "../support/laboratory.js"
import { Journal, quickDisk } from "./journal.js"
import { simulated, withStore } from "./simulation.js"
import { digest, JournalHistory } from "./states.js"

/** One state in this many is judged. */
const every = 2
const into = "/data/backup"
const options = { ...tuning, valueThreshold: 40 }
const storageOf = (disk: MemoryDisk) => Layer.succeed(Storage.Storage, fromMemoryDisk(disk))
const made = (store: Store.Store, keep: number) =>
  Effect.map(Stream.runCollect(Backup.make({ from: store, into, keep })), (events) => [...events].at(-1))

const write = (store: Store.Store, round: number) => {
  const batch = WriteBatch.make()
  for (let n = 0; n < 12; n++) batch.put(`key${n}`, `${round}:${n}:`.padEnd(30 + 2 * n, "v"))
  return store.write(batch)
}

/** Records three backups, of which the third removes the first. Counts those that are complete. */
const record = Effect.gen(function* () {
  const journal = new Journal()
  const contents: Array<Map<string, string>> = []
  yield* withStore(quickDisk(journal.observer, 3), options, (store) =>
    Effect.gen(function* () {
      for (let round = 1; round <= 3; round++) {
        yield* write(store, round)
        if (round < 3) yield* store.flush
        contents.push(yield* contentOf(store))
        yield* made(store, 2)
        journal.mark({ kind: "checkpointed", checkpoint: round })
      }
    })
  )
  return { events: journal.events, contents }
}).pipe(simulated(5))

/** What is wrong with the backup on a disk, or undefined. */
const judge = (disk: MemoryDisk, complete: number, contents: ReadonlyArray<Map<string, string>>) =>
  Effect.gen(function* () {
    const list = yield* Effect.exit(Backup.listFromStorage(into))
    const present = Exit.isSuccess(list) ? list.value.map(({ generation }) => generation) : []
    for (let generation = Math.max(1, complete - 1); generation <= complete; generation++) {
      if (present.includes(generation)) continue
      // The third backup removes the first, but only once it is there itself.
      if (generation === 1 && present.includes(3)) continue
      return `generation ${generation} of ${complete} is gone: ${JSON.stringify(list)}`
    }
    for (const generation of present) {
      yield* Backup.restoreFromStorage({ from: into, into: `/restored${generation}`, generation })
      const found = yield* withStore(disk, options, contentOf, {}, `/restored${generation}`)
      if (!same(found, contents[generation - 1]!)) return `generation ${generation} has another content`
    }
    // A backup can be made again, and leaves nothing that is not needed.
    yield* withStore(disk, options, (store) => made(store, 1))
    const events = yield* Stream.runCollect(Backup.verifyFromStorage(into))
    const verified = [...events].at(-1)
    if (verified?._tag !== "Verified" || verified.errors > 0) return "the next backup has damage"
    const extra = disk.list(into).filter((name) => !name.startsWith("LOCK")).length - verified.files - 2
    return extra === 0 ? undefined : `${extra} files are left over`
  }).pipe(Effect.provide(storageOf(disk)), simulated(1))

const same = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)

describe("a backup after a crash", () => {
  it.live("has every generation that was complete, and those that are there are whole", () =>
    Effect.gen(function* () {
      const { contents, events } = yield* record
      const history = new JournalHistory()
      const seen = new Set<string>()
      const findings: Array<string> = []
      for (const [i, event] of events.entries()) {
        if (!history.advance(event)) continue
        let n = 0
        for (const state of history.states(i)) {
          if (n++ % every !== i % every) continue
          const files = state.files()
          const inBackup = new Map([...files].filter(([path]) => path.startsWith(into)))
          const key = digest(inBackup, String(history.checkpointed))
          if (seen.has(key)) continue
          seen.add(key)
          const fault = yield* judge(diskOf(files), history.checkpointed, contents)
          if (fault !== undefined) findings.push(`${state.label()}: ${fault}`)
        }
      }
      expect(findings).toEqual([])
      expect(seen.size).toBeGreaterThan(200)
    })
  )
})
