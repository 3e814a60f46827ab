import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Stream from "effect/Stream"
import { type LsmOptions, LsmStore, type Maintenance, Storage, type Store } from "effect-lsm"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { turn } from "./eventually.js"

/** The files of a disk, by path. */
export type Files = ReadonlyMap<string, Uint8Array>

export const directory = "/store"

/** A disk that holds these files. */
export const diskOf = (files: Files = new Map()): MemoryDisk => {
  const disk = new MemoryDisk({}, queueMicrotask)
  disk.placeDirectory(directory)
  for (const [path, bytes] of files) disk.place(path, bytes.slice())
  return disk
}

export const storageOf = (disk: MemoryDisk): Layer.Layer<Storage.Storage> =>
  Layer.succeed(Storage.Storage, fromMemoryDisk(disk))

/** Runs `use` with the store of a disk. */
export const withStore = <A, E, R>(
  disk: MemoryDisk,
  use: (store: Store.Store) => Effect.Effect<A, E, R>,
  options: Partial<LsmOptions.LsmOptions> = {}
) =>
  Effect.flatMap(LsmStore.LsmStore, use).pipe(
    Effect.provide(LsmStore.layerFromStorage({ directory, ...options })),
    Effect.provide(storageOf(disk)),
    // The disk yields by microtasks, so yield to the real event loop for the rest of the process.
    Effect.zipLeft(turn)
  )

/** All findings of a verification. */
export const findings = (disk: MemoryDisk) =>
  Effect.map(events(disk), (all) => all.filter((event): event is Maintenance.Finding => event._tag === "Finding"))

export const events = (disk: MemoryDisk) =>
  LsmStore.verifyFromStorage({ directory }).pipe(
    Stream.runCollect,
    Effect.map((all) => [...all]),
    Effect.provide(storageOf(disk))
  )

export const errors = (disk: MemoryDisk) =>
  Effect.map(findings(disk), (all) => all.filter(({ severity }) => severity === "error"))

/** The sorted paths of the files of a store that end in `end`. */
export const filesNamed = (files: Files, end: string): ReadonlyArray<string> =>
  [...files.keys()].filter((path) => path.startsWith(`${directory}/`) && path.endsWith(end)).sort()

export const flip = (files: Files, path: string, offset: number): Files =>
  new Map([...files, [path, files.get(path)!.map((byte, i) => (i === offset ? byte ^ 0x10 : byte))]])

export const without = (files: Files, path: string): Files => new Map([...files].filter(([name]) => name !== path))

export const cut = (files: Files, path: string, length: number): Files =>
  new Map([...files, [path, files.get(path)!.slice(0, length)]])

/** Discards logs, because damage causes many warnings. */
export const quietly = Logger.withMinimumLogLevel(LogLevel.None)
