import { type CrashState, DiskHistory } from "../../core/simulation/diskHistory.js"
import { StorageFailure } from "../../core/storage/failure.js"
import { type DiskOperation, MemoryDisk } from "../../core/storage/memoryFile.js"

/** The operations of a disk that a rule may refuse, as `StorageError.operation` names them. */
export type DiskOperationKind = DiskOperation["kind"]

/** Makes the disk refuse operations. */
export interface FaultRule {
  /** Which operations. `"any"`: all of them. */
  readonly operation: DiskOperationKind | "any"
  /** What the path of the file must contain, such as `".log"`. Default: any path. */
  readonly files?: string | undefined
  /** The error code. Default `"EIO"`; `"ENOSPC"` is a full disk. */
  readonly code?: string | undefined
  /** How many matching operations succeed before. Default 0. */
  readonly after?: number | undefined
  /** How many are refused then. Default 1; `Infinity` refuses them until `heal`. */
  readonly times?: number | undefined
}

/** What stays of the changes that were not synced when the power went. */
export type Kept = "nothing" | "everything" | "random"

interface Armed {
  readonly rule: FaultRule
  before: number
  left: number
}

/** So many states that a power cut may leave are drawn from. */
const mostStates = 400

/** A disk in memory from one boot of a machine to the next. */
export class SimulatedDisk {
  readonly disk: MemoryDisk
  private readonly history: DiskHistory
  private rules: Array<Armed> = []
  /** Set when the machine has stopped. What the process does after that has no effect. */
  private hasStopped = false

  constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.history = new DiskHistory(files)
    this.disk = new MemoryDisk({
      before: (operation) => this.before(operation),
      after: (operation) => this.after(operation)
    })
    for (const [path, bytes] of files) this.disk.place(path, bytes)
  }

  fail(rule: FaultRule): void {
    this.rules.push({ rule, before: rule.after ?? 0, left: rule.times ?? 1 })
  }

  heal(): void {
    this.rules = []
  }

  /** The process ends. Returns what the disk has: all that the operating system was given. */
  crash(): ReadonlyMap<string, Uint8Array> {
    this.hasStopped = true
    return this.disk.contents()
  }

  /** The power goes. Returns what the disk has then. */
  cut(kept: Kept, random: () => number): ReadonlyMap<string, Uint8Array> {
    this.hasStopped = true
    const states: Array<CrashState> = []
    for (const state of this.history.states(Math.floor(random() * 2 ** 32))) {
      states.push(state)
      if (states.length === mostStates) break
    }
    // The first state keeps nothing that is pending, the second all of it.
    const chosen = kept === "nothing" ? 0 : kept === "everything" ? 1 : Math.floor(random() * states.length)
    return states[Math.min(chosen, states.length - 1)]!.files()
  }

  private before({ kind, path }: DiskOperation): void {
    if (this.hasStopped) throw new StorageFailure(kind, path, "EIO")
    for (const armed of this.rules) {
      const { code = "EIO", files, operation } = armed.rule
      if (operation !== "any" && operation !== kind) continue
      if (files !== undefined && !path.includes(files)) continue
      if (armed.before > 0) {
        armed.before--
        continue
      }
      if (armed.left <= 0) continue
      armed.left--
      throw new StorageFailure(kind, path, code)
    }
  }

  private after(operation: DiskOperation): void {
    const { kind } = operation
    if (kind === "read" || kind === "open" || kind === "list") return
    this.history.advance(kind === "append" ? { ...operation, bytes: operation.bytes.slice() } : operation)
  }
}
