import type * as Fiber from "effect/Fiber"
import { interruptSoon } from "./fiberExits.js"

/**
 * A file operation of the store, or the insertion of a record into a memtable, which allocates
 * memory.
 */
export interface Operation {
  readonly operation:
    | "open"
    | "create"
    | "read"
    | "append"
    | "sync"
    | "close"
    | "sync directory"
    | "rename"
    | "remove"
    | "list"
    | "apply"
    | "make directory"
    | "remove directory"
    | "link"
    | "lock"
  readonly path: string
}

/** The effect of a fault on an operation. */
export type Fault =
  | { readonly _tag: "Refuse"; readonly code: string }
  /**
   * A read returns fewer bytes than requested. An append writes a part and fails. The number of
   * bytes is random unless it is given.
   */
  | { readonly _tag: "Short"; readonly bytes?: number }
  /**
   * The operation takes this long by the Clock. Reads, appends, opens and creates are synchronous,
   * so they are not delayed.
   */
  | { readonly _tag: "Delay"; readonly millis: number }
  /** The operation interrupts a fiber, and continues. */
  | { readonly _tag: "Interrupt"; readonly fiber: () => Fiber.RuntimeFiber<unknown, unknown> | undefined }

/** Selects the operations that a fault affects: by kind, path, count and chance. */
export interface Rule {
  readonly fault: Fault
  readonly on?: ReadonlyArray<Operation["operation"]> | undefined
  readonly path?: RegExp | undefined
  /** Number of matching operations to skip first. Default 0. */
  readonly after?: number | undefined
  /** Number of operations to affect after that. Default 1. */
  readonly times?: number | undefined
  /** Probability of affecting each of them. Default 1. */
  readonly chance?: number | undefined
}

/** The combined effect of all rules on one operation. */
export interface Verdict {
  code: string | undefined
  /** The most bytes to read or append. */
  most: number
  millis: number
}

/** The active rules, and how often each has matched. */
export class Rules {
  private active: Array<{ readonly rule: Rule; seen: number; left: number }> = []

  /** `draw` returns a random number from 0 to 1. */
  constructor(private readonly draw: () => number) {}

  add(rule: Rule): void {
    this.active.push({ rule, seen: 0, left: rule.times ?? 1 })
  }

  clear(): void {
    this.active = []
  }

  /** `length` is the number of bytes of a read or an append. */
  judge({ operation, path }: Operation, length = 0): Verdict {
    const verdict: Verdict = { code: undefined, most: Number.POSITIVE_INFINITY, millis: 0 }
    for (const entry of this.active) {
      const { on, path: pattern, after = 0, chance = 1, fault } = entry.rule
      if (on !== undefined && !on.includes(operation)) continue
      if (pattern !== undefined && !pattern.test(path)) continue
      if (entry.seen++ < after || entry.left <= 0) continue
      if (chance < 1 && this.draw() >= chance) continue
      entry.left--
      if (fault._tag === "Refuse") verdict.code ??= fault.code
      else if (fault._tag === "Short") verdict.most = Math.min(length, fault.bytes ?? this.part(length))
      else if (fault._tag === "Delay") verdict.millis += fault.millis
      else {
        const fiber = fault.fiber()
        if (fiber !== undefined) interruptSoon(fiber)
      }
    }
    return verdict
  }

  /** A random part of `length`: at least 1, and less than `length` if `length` is more than 1. */
  private part(length: number): number {
    return Math.min(length, 1 + Math.floor(this.draw() * Math.max(0, length - 1)))
  }
}
