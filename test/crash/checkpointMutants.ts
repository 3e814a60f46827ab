import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { StorageFile } from "../../src/core/storage/storageDriver.js"
import type { Patches } from "../support/openStore.js"
import type { Mutant } from "./mutants.js"
import { delegate, withoutSync } from "./patches.js"
import { checkpointDirectory, directory } from "./simulation.js"

const copies = checkpointDirectory(1).slice(0, -2)
const isInCopy = (path: string): boolean => path.startsWith(`${copies}/`)
const workloads = ["checkpoints", "checkpoints of separated values", "checkpoints of tables, by flushes"]

/** Reports syncs of some directories as done without doing them. */
const withoutDirectorySyncs = (isSkipped: (path: string) => boolean): Patches => ({
  storage: (storage) => ({
    ...storage,
    syncDirectory: (path) => (isSkipped(path) ? Effect.void : storage.syncDirectory(path))
  })
})

/** Syncs the files of a checkpoint only once it has its name. */
const syncedAfterRename = (): Patches => ({
  storage: (storage) => {
    let due: Array<StorageFile> = []
    const sync = (file: StorageFile) =>
      Effect.async<void>((resume) => {
        file.sync(() => resume(Effect.void))
      })
    return {
      ...storage,
      driver: {
        ...storage.driver,
        openRead: (path) => storage.driver.openRead(path),
        yieldToEventLoop: (next) => storage.driver.yieldToEventLoop(next),
        create: (path) => {
          const file = storage.driver.create(path)
          if (!isInCopy(path)) return file
          due.push(file)
          return delegate(file, { sync: (done) => queueMicrotask(() => done(undefined)), close: () => undefined })
        }
      },
      rename: (from, to) => {
        const files = isInCopy(to) && !to.endsWith("CURRENT") ? due : []
        if (files.length > 0) due = []
        return Effect.zipRight(storage.rename(from, to), Effect.forEach(files, sync, { discard: true }))
      }
    }
  }
})

/** Links the log into a checkpoint instead of copying it. */
const linkedLog = (): Patches => ({
  storage: (storage) => ({
    ...storage,
    driver: {
      openRead: (path) => storage.driver.openRead(path),
      yieldToEventLoop: (next) => storage.driver.yieldToEventLoop(next),
      create: (path) => {
        const from = `${directory}/${basename(path)}`
        if (!isInCopy(path) || !path.endsWith(".log") || !Effect.runSync(storage.exists(from))) {
          return storage.driver.create(path)
        }
        Effect.runSync(storage.link(from, path))
        return delegate(storage.driver.openRead(path), { append: () => undefined })
      }
    }
  })
})

export const checkpointMutants: ReadonlyArray<Mutant> = [
  { name: "the files of a checkpoint are not synced", workloads, patches: () => withoutSync(/^\/data\/copies\//) },
  { name: "a checkpoint is renamed before its files are synced", workloads, patches: syncedAfterRename },
  {
    name: "the directory of a checkpoint is not synced",
    workloads,
    patches: () => withoutDirectorySyncs(isInCopy)
  },
  {
    name: "the name of a checkpoint is not synced",
    workloads,
    patches: () => withoutDirectorySyncs((path) => path === copies)
  },
  { name: "the log is linked into a checkpoint", workloads, patches: linkedLog }
]
