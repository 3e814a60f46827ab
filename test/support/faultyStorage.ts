import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import { type LsmError, type LsmOptions, LsmStore, type Memtable, Storage, type Store } from "effect-lsm"
import { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromFailure } from "../../src/LsmError.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { type Operation, type Rule, Rules, type Verdict } from "./faultRules.js"

export type { Operation, Rule } from "./faultRules.js"

/** The state of a file in addition to its bytes. */
interface Tracked {
  size: number
  /** The number of bytes that are sure to survive a power cut. */
  durable: number
  /**
   * Whether a sync of the file has failed. After that, the system considers its bytes written, and
   * no later sync writes them.
   */
  broken: boolean
}

/**
 * A file system in memory that injects faults and tracks open files. It takes time from the Clock
 * and chance from the Random service, so a run with TestClock and a seeded Random is repeatable.
 */
export interface FaultyStorage {
  readonly layer: Layer.Layer<Storage.Storage>
  readonly service: Storage.StorageService
  /** Returns the error code for an operation, or undefined to let it succeed. */
  refuse: (operation: Operation) => string | undefined
  /** Delays the end of a sync until the promise resolves. */
  hold: (operation: Operation) => Promise<void> | undefined
  /** Activates a rule. */
  readonly inject: (rule: Rule) => void
  /**
   * The most bytes of all files together. An append beyond it writes a part and fails with ENOSPC.
   */
  room: number
  /**
   * The most open files. One more fails with EMFILE. Listing or syncing a directory briefly takes
   * one.
   */
  descriptors: number
  /**
   * Wraps a memtable so that inserting a record is an operation. A refused record is inserted, and
   * then the insertion fails for lack of memory.
   */
  readonly memtable: (memtable: Memtable.MemtableService) => Memtable.MemtableService
  /**
   * After this many operations, no path can be found any more, as after a forced unmount. Open
   * files stay open.
   */
  vanishesAfter: number
  /** Ends every fault. */
  readonly lift: () => void
  /** Foreign files, placed at the path of a file to create, that have been changed or removed. */
  readonly harmed: () => ReadonlyArray<string>
  /** The least that a power cut leaves: the synced bytes of each file. All names are kept. */
  readonly afterPowerCut: () => Map<string, Uint8Array>
  readonly used: () => number
  readonly open: ReadonlyMap<number, string>
  readonly operations: ReadonlyArray<Operation>
}

export interface FaultyStorageOptions {
  /** Files that exist at the start. */
  readonly files?: ReadonlyMap<string, Uint8Array>
  /**
   * Whether syncs may run in the calling thread. Those are neither delayed nor held. Default false.
   */
  readonly syncsHere?: boolean
  /** How to yield to the event loop. Default `setImmediate`. */
  readonly turn?: (next: () => void) => void
}

export const faultyStorage = (options: FaultyStorageOptions = {}): Effect.Effect<FaultyStorage> =>
  Effect.gen(function* () {
    const disk = new MemoryDisk({}, options.turn ?? setImmediate)
    const memory = fromMemoryDisk(disk)
    const runtime = yield* Effect.runtime<never>()
    const rules = new Rules(() => Runtime.runSync(runtime)(Random.next))
    const runFork = Runtime.runFork(runtime)
    const open = new Map<number, string>()
    const operations: Array<Operation> = []
    const tracked = new Map<string, Tracked>()
    const foreign = new Map<string, Uint8Array>()
    let handles = 0
    for (const [path, bytes] of options.files ?? []) {
      disk.place(path, bytes)
      tracked.set(path, { size: bytes.length, durable: bytes.length, broken: false })
    }

    const used = (): number => [...new Set(tracked.values())].reduce((n, { size }) => n + size, 0)

    const judge = (operation: Operation["operation"], path: string, length?: number): Verdict => {
      operations.push({ operation, path })
      const verdict = rules.judge({ operation, path }, length)
      if (hasVanished() && !byHandle.includes(operation)) verdict.code ??= "ENOENT"
      verdict.code = self.refuse({ operation, path }) ?? verdict.code
      return verdict
    }
    const hasVanished = (): boolean => operations.length > self.vanishesAfter
    const failure = (operation: string, path: string, code: string) => new Storage.StorageFailure(operation, path, code)

    /** Places a file that is not the store's. */
    const inTheWay = (path: string): void => {
      const bytes = new TextEncoder().encode(`a file that an application wrote at ${path}`)
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
          // As with a file descriptor: it is released even if closing fails, and a second close
          // does nothing.
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
              for (const [path, of] of [...tracked]) {
                if (path !== from && !path.startsWith(`${from}/`)) continue
                tracked.delete(path)
                tracked.set(`${to}${path.slice(from.length)}`, of)
              }
            })
          )
        ),
      link: (from, to) =>
        around(
          "link",
          from,
          Effect.tap(memory.link(from, to), () => Effect.sync(() => tracked.set(to, tracked.get(from)!)))
        ),
      removeDirectory: (path) => around("remove directory", path, memory.removeDirectory!(path)),
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

/** Operations that use an open file or memory, and no path. */
const byHandle: ReadonlyArray<Operation["operation"]> = ["read", "append", "sync", "close", "apply"]

export const makeFaultyStorage: Effect.Effect<FaultyStorage> = faultyStorage()

/** Runs `use` with a store on a faulty file system. */
export const withFaultyStore = <A, E, R>(
  storage: FaultyStorage,
  use: (store: Store.Store) => Effect.Effect<A, E, R>,
  tuning?: LsmOptions.Tuning
) =>
  Effect.flatMap(LsmStore.LsmStore, use).pipe(
    Effect.provide(LsmStore.layerFromStorage({ ...tuning, directory: "/memory" })),
    Effect.provide(storage.layer)
  )
