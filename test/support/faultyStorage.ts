import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { type LsmError, type LsmOptions, LsmStore, type Memtable, Storage, type Store } from "effect-lsm"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromFailure } from "../../src/LsmError.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { type Operation, type Rule, Rules, type Verdict } from "./faultRules.js"

export type { Operation, Rule } from "./faultRules.js"

/** What is known of a file beside its bytes. */
interface Tracked {
  size: number
  /** How much of it a power cut leaves for certain. */
  durable: number
  /** A sync of it has failed: the system takes its bytes for written, and no later sync writes them. */
  broken: boolean
}

/**
 * A file system in memory that refuses what it is told to refuse, and knows which files are open. Time is the Clock's and chance
 * the Random's, so that a run under TestClock and a seeded Random can be repeated.
 */
export interface FaultyStorage {
  readonly layer: Layer.Layer<Storage.Storage>
  readonly service: Storage.StorageService
  /** The code of the error for an operation, or undefined to let it be. */
  refuse: (operation: Operation) => string | undefined
  /** Delays the end of a sync until the promise is fulfilled. */
  hold: (operation: Operation) => Promise<void> | undefined
  /** Puts a rule in force. */
  readonly inject: (rule: Rule) => void
  /** Bytes that all files together may have; what goes beyond is ENOSPC, and a part of it is written. */
  room: number
  /** Files that may be open; one more is EMFILE. Listing and syncing a directory take one for a moment. */
  descriptors: number
  /** A memtable whose records are operations: one that is refused is put there, and then the memory ends. */
  readonly memtable: (memtable: Memtable.MemtableService) => Memtable.MemtableService
  /** From so many operations on no name in the file system leads to anything, as when it is unmounted by force; what is open stays open. */
  vanishesAfter: number
  /** Ends every fault. */
  readonly lift: () => void
  /** Files that came in the way of one to be created, and are not as they were any more. */
  readonly harmed: () => ReadonlyArray<string>
  /** What a power cut leaves at least: of each file what a sync has covered. Names are kept. */
  readonly afterPowerCut: () => Map<string, Uint8Array>
  readonly used: () => number
  readonly open: ReadonlyMap<number, string>
  readonly operations: ReadonlyArray<Operation>
}

export interface FaultyStorageOptions {
  /** What stands on it already. */
  readonly files?: ReadonlyMap<string, Uint8Array>
  /** Syncs may be done in the calling thread; these are neither delayed nor held. Default false. */
  readonly syncsHere?: boolean
  /** How the event loop is let turn. */
  readonly turn?: (next: () => void) => void
}

export const faultyStorage = (options: FaultyStorageOptions = {}): Effect.Effect<FaultyStorage> =>
  Effect.gen(function* () {
    const disk = new MemoryDisk({}, options.turn ?? setImmediate)
    const memory = fromMemoryDisk(disk)
    const rules = new Rules(yield* Effect.random)
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const open = new Map<number, string>()
    const operations: Array<Operation> = []
    const tracked = new Map<string, Tracked>()
    const foreign = new Map<string, Uint8Array>()
    let handles = 0
    for (const [path, bytes] of options.files ?? []) {
      disk.place(path, bytes)
      tracked.set(path, { size: bytes.length, durable: bytes.length, broken: false })
    }

    const used = (): number => [...tracked.values()].reduce((n, { size }) => n + size, 0)

    const judge = (operation: Operation["operation"], path: string, length?: number): Verdict => {
      operations.push({ operation, path })
      const verdict = rules.judge({ operation, path }, length)
      if (hasVanished() && !byHandle.includes(operation)) verdict.code ??= "ENOENT"
      verdict.code = self.refuse({ operation, path }) ?? verdict.code
      return verdict
    }
    const hasVanished = (): boolean => operations.length > self.vanishesAfter
    const failure = (operation: string, path: string, code: string) => new Storage.StorageFailure(operation, path, code)

    /** Puts a file there that is not the store's. */
    const inTheWay = (path: string): void => {
      const bytes = new TextEncoder().encode(`a file in the way, which an application has written as ${path}`)
      disk.place(path, bytes)
      tracked.set(path, { size: bytes.length, durable: bytes.length, broken: false })
      foreign.set(path, bytes)
    }

    /** Refuses or delays an operation that is an Effect. */
    const around = <A, E, R>(operation: Operation["operation"], path: string, run: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        const { code, millis } = judge(operation, path)
        const needsDescriptor = operation === "list" || operation === "sync directory"
        const refusal =
          code !== undefined
            ? failure(operation, path, code)
            : needsDescriptor && open.size >= self.descriptors
              ? failure("open", path, "EMFILE")
              : undefined
        const rest: Effect.Effect<A, E | LsmError.FileError, R> =
          refusal === undefined ? run : Effect.fail(fromFailure(refusal))
        return millis === 0 ? rest : Effect.zipRight(Effect.sleep(millis), rest)
      })

    const append = (
      file: Storage.StorageFile,
      of: Tracked,
      source: Uint8Array,
      offset: number,
      length: number,
      ahead?: boolean
    ): void => {
      file.append(source, offset, length, ahead)
      of.size += length
    }

    const wrap = (file: Storage.StorageFile, of: Tracked): Storage.StorageFile => {
      const handle = ++handles
      const { path } = file
      open.set(handle, path)
      return {
        path,
        size: () => file.size(),
        read: (target, offset, length, position) => {
          const { code, most } = judge("read", path, length)
          if (code !== undefined) throw failure("read", path, code)
          return file.read(target, offset, Math.min(length, most), position)
        },
        append: (source, offset, length, ahead) => {
          const { code, most } = judge("append", path, length)
          const left = Math.max(0, self.room - used())
          const short = most < Number.POSITIVE_INFINITY
          if (code === undefined && !short && length <= left) return append(file, of, source, offset, length, ahead)
          append(file, of, source, offset, Math.min(code === undefined ? length : length >>> 1, most, left))
          throw failure("append", path, code ?? (short ? "EIO" : "ENOSPC"))
        },
        sync: (done) => {
          const { code, millis } = judge("sync", path)
          const { size } = of
          const end = () => {
            if (code !== undefined) {
              of.broken = true
              memory.driver.yieldToEventLoop(() => done(failure("sync", path, code)))
              return
            }
            file.sync((refusal) => {
              if (refusal === undefined && !of.broken) of.durable = Math.max(of.durable, size)
              done(refusal)
            })
          }
          const held = self.hold({ operation: "sync", path })
          const later = () => (held === undefined ? end() : held.then(end))
          if (millis === 0) later()
          else runFork(Effect.zipRight(Effect.sleep(millis), Effect.sync(later)))
        },
        isSyncShort: (limit) => options.syncsHere === true && file.isSyncShort!(limit),
        syncNow: () => {
          const { code } = judge("sync", path)
          if (code !== undefined) {
            of.broken = true
            throw failure("sync", path, code)
          }
          const took = file.syncNow!()
          if (!of.broken) of.durable = Math.max(of.durable, of.size)
          return took
        },
        close: () => {
          // As with a descriptor: it is gone though closing fails, and a second close does nothing.
          const isOpen = open.delete(handle)
          file.close()
          const { code } = isOpen ? judge("close", path) : { code: undefined }
          if (code !== undefined) throw failure("close", path, code)
        }
      }
    }

    const service: Storage.StorageService = {
      ...memory,
      driver: {
        yieldToEventLoop: memory.driver.yieldToEventLoop,
        openRead: (path) => {
          const { code } = judge("open", path)
          if (code !== undefined) throw failure("open", path, code)
          if (open.size >= self.descriptors) throw failure("open", path, "EMFILE")
          return wrap(memory.driver.openRead(path), tracked.get(path)!)
        },
        create: (path) => {
          const { code } = judge("create", path)
          if (code === "EEXIST") inTheWay(path)
          if (code !== undefined) throw failure("create", path, code)
          if (open.size >= self.descriptors) throw failure("create", path, "EMFILE")
          const file = memory.driver.create(path)
          const of = { size: 0, durable: 0, broken: false }
          tracked.set(path, of)
          return wrap(file, of)
        }
      },
      makeDirectory: (path) => around("make directory", path, memory.makeDirectory(path)),
      lock: (path, mode) => around("lock", path, memory.lock(path, mode)),
      exists: (path) => (hasVanished() ? Effect.succeed(false) : memory.exists(path)),
      list: (path) => around("list", path, memory.list(path)),
      rename: (from, to) =>
        around(
          "rename",
          from,
          Effect.tap(memory.rename(from, to), () =>
            Effect.sync(() => {
              tracked.set(to, tracked.get(from)!)
              tracked.delete(from)
            })
          )
        ),
      remove: (path) =>
        around(
          "remove",
          path,
          Effect.tap(memory.remove(path), () => Effect.sync(() => tracked.delete(path)))
        ),
      syncDirectory: (path) => around("sync directory", path, memory.syncDirectory(path))
    }
    const self: FaultyStorage = {
      service,
      layer: Layer.succeed(Storage.Storage, service),
      refuse: () => undefined,
      hold: () => undefined,
      inject: (rule) => rules.add(rule),
      room: Number.POSITIVE_INFINITY,
      descriptors: Number.POSITIVE_INFINITY,
      memtable: (memtable) => ({
        ...memtable,
        unsafeApply: (bytes, start, end) => {
          memtable.unsafeApply(bytes, start, end)
          const { code } = judge("apply", "memtable")
          if (code !== undefined) throw new RangeError("Array buffer allocation failed")
        }
      }),
      vanishesAfter: Number.POSITIVE_INFINITY,
      lift: () => {
        rules.clear()
        self.refuse = () => undefined
        self.hold = () => undefined
        self.room = Number.POSITIVE_INFINITY
        self.descriptors = Number.POSITIVE_INFINITY
        self.vanishesAfter = Number.POSITIVE_INFINITY
      },
      harmed: () => {
        const now = disk.contents()
        return [...foreign]
          .filter(([path, bytes]) => Buffer.compare(now.get(path) ?? new Uint8Array(0), bytes) !== 0)
          .map(([path]) => path)
      },
      afterPowerCut: () =>
        new Map([...disk.contents()].map(([path, bytes]) => [path, bytes.slice(0, tracked.get(path)!.durable)])),
      used,
      open,
      operations
    }
    return self
  })

/** What needs no name. */
const byHandle: ReadonlyArray<Operation["operation"]> = ["read", "append", "sync", "close", "apply"]

export const makeFaultyStorage: Effect.Effect<FaultyStorage> = faultyStorage()

/** Runs `use` with the store of such a file system. */
export const withFaultyStore = <A, E, R>(
  storage: FaultyStorage,
  use: (store: Store.Store) => Effect.Effect<A, E, R>,
  tuning?: LsmOptions.Tuning
) =>
  Effect.flatMap(LsmStore.LsmStore, use).pipe(
    Effect.provide(LsmStore.layerFromStorage({ ...tuning, directory: "/memory" })),
    Effect.provide(storage.layer)
  )
