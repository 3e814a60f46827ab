import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Random from "effect/Random"

/** What the store asks of its files; and that a record is put into a memtable, which asks for memory. */
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
    | "lock"
  readonly path: string
}

/** What befalls an operation. */
export type Fault =
  | { readonly _tag: "Refuse"; readonly code: string }
  /** A read answers fewer bytes than it was asked for; of an append a part is written, and it fails. How many are drawn, unless said. */
  | { readonly _tag: "Short"; readonly bytes?: number }
  /** It takes so long, by the Clock. Reads, appends, opens and creates hold the event loop, so no time passes in them. */
  | { readonly _tag: "Delay"; readonly millis: number }
  /** It interrupts a fiber, and goes on. */
  | { readonly _tag: "Interrupt"; readonly fiber: () => Fiber.RuntimeFiber<unknown, unknown> | undefined }

/** Which operations a fault befalls: by kind, by path, by count and by chance. */
export interface Rule {
  readonly fault: Fault
  readonly on?: ReadonlyArray<Operation["operation"]> | undefined
  readonly path?: RegExp | undefined
  /** So many operations that it matches are let be first. Default 0. */
  readonly after?: number | undefined
  /** Then it befalls so many. Default 1. */
  readonly times?: number | undefined
  /** How likely it befalls one of them. Default 1. */
  readonly chance?: number | undefined
}

/** What is to happen to one operation. */
export interface Verdict {
  code: string | undefined
  /** At most so many bytes. */
  most: number
  millis: number
}

/** The rules that are in force, and how often each has matched. */
export class Rules {
  private active: Array<{ readonly rule: Rule; seen: number; left: number }> = []

  constructor(private readonly random: Random.Random) {}

  add(rule: Rule): void {
    this.active.push({ rule, seen: 0, left: rule.times ?? 1 })
  }

  clear(): void {
    this.active = []
  }

  /** `length` is how many bytes a read or an append is about. */
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
      else fault.fiber()?.unsafeInterruptAsFork(FiberId.none)
    }
    return verdict
  }

  /** A part of `length`: at least 1, and less than all of it where that can be. */
  private part(length: number): number {
    return Math.min(length, 1 + Math.floor(this.draw() * Math.max(0, length - 1)))
  }

  private draw(): number {
    return Effect.runSync(this.random.next)
  }
}
