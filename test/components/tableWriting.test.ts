import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SSTableStore, Storage } from "effect-lsm"
import { Retention } from "../../src/core/cursor/retention.js"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import type { StorageDriver } from "../../src/core/storage/storageDriver.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { ArrayCursor } from "../support/entries.js"
import { interruptSoon } from "../support/fiberExits.js"
import { directory } from "../support/laboratory.js"
import { tableStoreId } from "../support/tables.js"

const entries = Array.from({ length: 60 }, (_, i) => ({
  key: Uint8Array.of(0x6b, i),
  sequence: i + 1,
  value: new Uint8Array(30)
}))

/** A disk that calls `onOperation` before each operation, including the close of a file. */
const watched = (onOperation: () => void) => {
  const disk = new MemoryDisk({ before: onOperation })
  disk.placeDirectory(directory)
  const driver: StorageDriver = {
    openRead: (path) => disk.openRead(path),
    yieldToEventLoop: (next) => disk.yieldToEventLoop(next),
    create: (path) => {
      const file = disk.create(path)
      const close = file.close.bind(file)
      return Object.assign(file, {
        close: () => {
          onOperation()
          close()
        }
      })
    }
  }
  return { disk, storage: { ...fromMemoryDisk(disk), driver } }
}

describe("writing tables", () => {
  it.scoped("interrupted at any moment leaves the tables and reports them, or leaves nothing", () =>
    Effect.gen(function* () {
      const outcomes = { reported: 0, nothing: 0 }
      for (let moment = 1; ; moment++) {
        let moments = 0
        let fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
        const { disk, storage } = watched(() => {
          if (++moments === moment && fiber !== undefined) interruptSoon(fiber)
        })
        const store = yield* SSTableStore.make({ directory, compression: "none" }).pipe(
          Effect.provideService(Storage.Storage, storage)
        )
        store.unsafeAttach(tableStoreId)
        let reported: ReadonlyArray<number> = []
        let allocated = 0
        const written = store.write({
          cursor: new ArrayCursor(entries),
          retention: new Retention([], () => false),
          targetSize: 1000,
          level: 1,
          allocate: () => ++allocated
        })
        // As in a flush or a compaction, no interruption comes between the write and the report.
        const work = Effect.uninterruptible(
          Effect.tap(written, ({ tables }) =>
            Effect.sync(() => {
              reported = tables.map(({ fileNumber }) => fileNumber)
            })
          )
        )
        fiber = yield* Effect.fork(work)
        yield* Fiber.await(fiber)
        expect(disk.list(directory), `interrupted at operation ${moment}`).toHaveLength(reported.length)
        outcomes[reported.length > 0 ? "reported" : "nothing"]++
        if (moments < moment) break
      }
      expect(outcomes.reported).toBeGreaterThan(3)
      expect(outcomes.nothing).toBeGreaterThan(5)
    })
  )
})
