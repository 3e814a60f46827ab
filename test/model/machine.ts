import * as Effect from "effect/Effect"
import { type LsmError, Storage } from "effect-lsm"
import { type DiskOperation, MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { type CrashState, JournalHistory } from "../crash/states.js"

/**
 * Makes the disk refuse one operation, after `after` others that match; with `always`, all later
 * ones too.
 */
export interface FaultRule {
  readonly operation: DiskOperation["kind"] | "any"
  readonly code: string
  /** What the path of the file must contain. */
  readonly files: "any" | "log" | "sst" | "MANIFEST" | "CURRENT"
  readonly after: number
  readonly always: boolean
}

interface Armed extends FaultRule {
  left: number
}

/** When a machine stops, and how it leaves its disk. */
export interface Stop {
  /** Stops after this many more operations that change the disk. */
  readonly after: number
  /** True for a power cut: unsynced changes may be lost or torn. False if only the process ends. */
  readonly power: boolean
  /** Picks one of the possible states. */
  readonly choice: number
}

/**
 * A machine from one boot to the next. Its simulated disk can refuse operations, and can stop at
 * any of them. With a given Storage, it only counts open files.
 */
export class Machine {
  private readonly disk: MemoryDisk
  private readonly history: JournalHistory
  private rules: Array<Armed> = []
  /** The operations that were refused since the last `forget`. */
  private readonly refused = new Set<string>()
  private stop: (Stop & { left: number; readonly onStop: () => void }) | undefined
  private dead = false
  private turns = 0
  /** The files that a power cut has left. */
  private remains: ReadonlyMap<string, Uint8Array> | undefined
  openFiles = 0
  readonly storage: Storage.StorageService

  constructor(
    private readonly random: () => number,
    private readonly directory: string,
    files: ReadonlyMap<string, Uint8Array> = new Map(),
    given?: Storage.StorageService
  ) {
    this.history = new JournalHistory(files)
    this.disk = new MemoryDisk(
      { before: (operation) => this.before(operation), after: (operation) => this.after(operation) },
      (next) => this.turn(next)
    )
    this.disk.placeDirectory(directory)
    for (const [path, bytes] of files) this.disk.place(path, bytes)
    const storage = given ?? fromMemoryDisk(this.disk)
    const { driver } = storage
    this.storage = {
      ...storage,
      // Yields before it removes, so that an interruption may come first.
      remove: (path) => Effect.zipRight(storage.yieldToEventLoop, storage.remove(path)),
      driver: {
        yieldToEventLoop: (next) => driver.yieldToEventLoop(next),
        openRead: (path) => this.track(driver.openRead(path)),
        create: (path) => this.track(driver.create(path))
      }
    }
  }

  get isSound(): boolean {
    return this.rules.length === 0 && this.refused.size === 0
  }

  /** Adds a rule by which operations are refused. */
  fault(rule: FaultRule): void {
    this.rules.push({ ...rule, left: rule.after })
  }

  /** Removes all rules. Errors from earlier refusals stay excused until `forget`. */
  heal(): void {
    this.rules = []
  }

  forget(): void {
    this.refused.clear()
  }

  /** Whether an error reports an operation that the disk has refused. */
  excuses(error: LsmError.LsmError): boolean {
    if (this.dead) return true
    if (error._tag === "StorageError") return this.refused.has(`${error.operation} ${error.code}`)
    return error._tag === "DiskFull" && this.refused.has(`${error.operation} ENOSPC`)
  }

  /** Whether the store may be poisoned: an append or a sync was refused. */
  get excusesPoison(): boolean {
    return this.dead || [...this.refused].some((refusal) => refusal.startsWith("append") || refusal.startsWith("sync"))
  }

  /** Makes the machine stop later. Calls `onStop` at that moment. */
  arm(stop: Stop, onStop: () => void): void {
    this.stop = { ...stop, left: stop.after, onStop }
  }

  /** Whether the machine has stopped. What it does after that does not count. */
  get hasStopped(): boolean {
    return this.dead || this.remains !== undefined
  }

  /** Stops now, unless it has stopped before. Then refuses every operation. */
  halt(): void {
    this.stopNow()
    this.dead = true
  }

  /**
   * The machine that boots next. After a power cut it is a new one, on the remaining files.
   * Otherwise it is the same, because the operating system still has the unsynced data.
   */
  get next(): Machine {
    if (this.remains !== undefined) return new Machine(this.random, this.directory, this.remains)
    this.dead = false
    this.heal()
    this.forget()
    return this
  }

  private stopNow(): void {
    const { stop } = this
    if (stop === undefined) return
    this.stop = undefined
    stop.onStop()
    if (stop.power) this.remains = this.possible(stop.choice)
    else this.dead = true
  }

  /**
   * A state that a power cut may leave now: a prefix of the changes, one of the first 200, or any.
   */
  private possible(choice: number): ReadonlyMap<string, Uint8Array> {
    const states: Array<CrashState> = []
    const most = choice % 4 === 1 ? Number.POSITIVE_INFINITY : 200
    for (const state of this.history.states(Math.floor(this.random() * 2 ** 32))) {
      if (states.length >= most || (choice % 2 === 0 && state.label().endsWith("left out"))) break
      states.push(state)
    }
    return states[(choice >>> 2) % states.length]!.files()
  }

  private before(operation: DiskOperation): void {
    if (this.dead) throw new Storage.StorageFailure(operation.kind, operation.path, "EIO")
    for (const rule of this.rules) {
      if (rule.operation !== "any" && rule.operation !== operation.kind) continue
      if (rule.files !== "any" && !operation.path.includes(rule.files)) continue
      if (rule.left-- > 0) continue
      if (!rule.always) this.rules.splice(this.rules.indexOf(rule), 1)
      this.refused.add(`${operation.kind} ${rule.code}`)
      throw new Storage.StorageFailure(operation.kind, operation.path, rule.code)
    }
  }

  private after(operation: DiskOperation): void {
    const { kind } = operation
    if (kind === "read" || kind === "open" || kind === "list") return
    this.history.advance(kind === "append" ? { ...operation, bytes: operation.bytes.slice() } : operation)
    if (this.stop !== undefined && this.stop.left-- <= 0) this.stopNow()
  }

  /** Continues after a random number of microtasks. Yields to the event loop every 4096th time. */
  private turn(next: () => void): void {
    if (++this.turns % 4096 === 0) {
      setImmediate(next)
      return
    }
    let left = Math.floor(this.random() * 4)
    const hop = () => {
      if (left-- <= 0) next()
      else queueMicrotask(hop)
    }
    queueMicrotask(hop)
  }

  /** Counts open files. An append that is refused may write a part. */
  private track(file: Storage.StorageFile): Storage.StorageFile {
    this.openFiles++
    let open = true
    return {
      path: file.path,
      size: () => file.size(),
      read: (target, offset, length, position) => file.read(target, offset, length, position),
      append: (source, offset, length, ahead) => {
        try {
          file.append(source, offset, length, ahead)
        } catch (failure) {
          const part = Math.floor(this.random() * length)
          if (!this.dead && part > 0) this.unrefused(() => file.append(source, offset, part))
          throw failure
        }
      },
      sync: (done) => file.sync(done),
      isSyncShort: (limit) => file.isSyncShort?.(limit) ?? false,
      syncNow: () => file.syncNow!(),
      close: () => {
        if (open) this.openFiles--
        open = false
        file.close()
      }
    }
  }

  private unrefused(run: () => void): void {
    const { rules } = this
    this.rules = []
    run()
    this.rules = rules
  }
}
