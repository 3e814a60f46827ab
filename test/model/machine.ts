import * as Effect from "effect/Effect"
import { type LsmError, Storage } from "effect-lsm"
import { type DiskOperation, MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { type CrashState, DiskHistory } from "../crash/states.js"

/** An operation that the disk refuses: the one after so many that fit, or that and all after it. */
export interface FaultRule {
  readonly operation: DiskOperation["kind"] | "any"
  readonly code: string
  /** What the name of the file must contain. */
  readonly files: "any" | "log" | "sst" | "MANIFEST" | "CURRENT"
  readonly after: number
  readonly always: boolean
}

interface Armed extends FaultRule {
  left: number
}

/** How a machine that crashes leaves its disk. */
export interface Stop {
  /** After so many more operations that change the disk. */
  readonly after: number
  /** Whether what is not synced may be lost or torn; else only the process ends. */
  readonly power: boolean
  /** Which of the states that are possible. */
  readonly choice: number
}

/**
 * A machine from one boot to the next. Its simulated disk can be told to refuse, and can be stopped at any operation; on a Storage
 * that is given, it only counts what is open.
 */
export class Machine {
  private readonly disk: MemoryDisk
  private readonly history: DiskHistory
  private rules: Array<Armed> = []
  /** What has been refused since the rules were last lifted. */
  private readonly refused = new Set<string>()
  private stop: (Stop & { left: number; readonly onStop: () => void }) | undefined
  private dead = false
  private turns = 0
  /** The disk as a power cut has left it. */
  private remains: ReadonlyMap<string, Uint8Array> | undefined
  openFiles = 0
  readonly storage: Storage.StorageService

  constructor(
    private readonly random: () => number,
    private readonly directory: string,
    files: ReadonlyMap<string, Uint8Array> = new Map(),
    given?: Storage.StorageService
  ) {
    this.history = new DiskHistory(files)
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
      // Removing takes a while, and may be interrupted before it has begun.
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

  /** Begins to refuse. */
  fault(rule: FaultRule): void {
    this.rules.push({ ...rule, left: rule.after })
  }

  /** Refuses nothing any more. Errors of the past are still excused until `forget`. */
  heal(): void {
    this.rules = []
  }

  forget(): void {
    this.refused.clear()
  }

  /** Whether an error tells of something that the disk has refused. */
  excuses(error: LsmError.LsmError): boolean {
    if (this.dead) return true
    if (error._tag === "StorageError") return this.refused.has(`${error.operation} ${error.code}`)
    return error._tag === "DiskFull" && this.refused.has(`${error.operation} ENOSPC`)
  }

  /** Whether the store may have given up writing: an append or a sync was refused. */
  get excusesPoison(): boolean {
    return this.dead || [...this.refused].some((refusal) => refusal.startsWith("append") || refusal.startsWith("sync"))
  }

  /** Will stop; `onStop` is called at that moment. */
  arm(stop: Stop, onStop: () => void): void {
    this.stop = { ...stop, left: stop.after, onStop }
  }

  /** Whether what happens now no longer counts. */
  get hasStopped(): boolean {
    return this.dead || this.remains !== undefined
  }

  /** Stops now, if it has not yet: nothing changes the disk any more. */
  halt(): void {
    this.stopNow()
    this.dead = true
  }

  /** What boots next: after a power cut another machine, on what is left; else the same, whose system still has what is not synced. */
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

  /** One of the states that a power cut may leave now: a whole prefix, one of the first, or any. */
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

  /** Some microtasks later, how many is drawn; now and then a turn of the event loop, so that others have theirs. */
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

  /** Counts what is open; an append that is refused may have written a part. */
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
