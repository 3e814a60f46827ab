import { Content, type Write } from "./content.js"

/**
 * A write that was handed to the store, in the order of the log. Its fate:
 * - `kept`: it was acknowledged, or has been seen.
 * - `unknown`: its caller was interrupted, and nobody knows whether it was handed to the log.
 * - `failed`: the log failed with it: readers do not see it, and the next open may find it.
 * - `absent`: it never was in the log.
 */
export interface Attempt {
  readonly writes: ReadonlyArray<Write>
  fate: "kept" | "unknown" | "failed" | "absent"
}

/** One of the contents that the store may have now, and the unknown attempts it has, as a set of bits. */
interface World {
  readonly content: Content
  readonly taken: number
}

/** What a crash can take, given that what survives is a prefix of the log. */
export interface Survivors {
  /** So many attempts have been made. */
  readonly made: number
  /** So many of the first of them survive for certain. */
  readonly certain: number
}

/**
 * What a store must hold. There is one content while every outcome is known; a write of unknown outcome keeps both candidates
 * until something is observed that tells them apart.
 */
export class Model {
  /** The content before the first attempt that is remembered. */
  private base = Content.empty
  private attempts: Array<Attempt> = []
  private worlds: ReadonlyArray<World> = [{ content: Content.empty, taken: 0 }]
  private unknown: Array<Attempt> = []
  /** Whether an unknown attempt that is not seen now will never be. */
  private settled = true
  /** So many attempts survive a power cut, and the end of the process. */
  private onDisk = 0
  private withSystem = 0
  /** So many do so once their interval has ended. */
  private withInterval = 0
  /** Whether the log has failed: what it was writing then may be found at the next open. */
  logFailed = false

  /** The contents that readers may see now. */
  get candidates(): ReadonlyArray<Content> {
    return this.worlds.map(({ content }) => content)
  }

  get isKnown(): boolean {
    return this.worlds.length === 1
  }

  begin(writes: ReadonlyArray<Write>): Attempt {
    const attempt: Attempt = { writes, fate: "unknown" }
    this.attempts.push(attempt)
    return attempt
  }

  acknowledge(attempt: Attempt, durability: "sync" | "buffered" | "interval"): void {
    attempt.fate = "kept"
    this.worlds = this.worlds.map(({ content, taken }) => ({ content: content.after(attempt.writes), taken }))
    const made = this.attempts.indexOf(attempt) + 1
    if (durability === "sync") this.onDisk = Math.max(this.onDisk, made)
    if (durability === "interval") this.withInterval = Math.max(this.withInterval, made)
    else this.withSystem = Math.max(this.withSystem, made)
    this.settle()
  }

  /** A write was refused or failed. */
  fail(attempt: Attempt, mayBeInLog: boolean): void {
    attempt.fate = mayBeInLog ? "failed" : "absent"
  }

  interrupt(attempt: Attempt): void {
    const bit = 1 << this.unknown.length
    this.unknown.push(attempt)
    this.settled = false
    this.worlds = this.worlds.flatMap((world) => [
      world,
      { content: world.content.after(attempt.writes), taken: world.taken | bit }
    ])
  }

  /** Every write that will ever be seen is seen now: writes are applied in the order of the log. */
  settle(): void {
    this.settled = true
    this.reduce(this.worlds)
  }

  /** Something was observed that only these candidates explain. */
  observe(explains: (content: Content) => boolean): boolean {
    const kept = this.worlds.filter(({ content }) => explains(content))
    if (kept.length === 0) return false
    if (kept.length === this.worlds.length) return true
    this.reduce(
      this.settled ? kept : this.worlds.filter(({ taken }) => kept.some((seen) => (seen.taken & ~taken) === 0))
    )
    return true
  }

  private reduce(worlds: ReadonlyArray<World>): void {
    this.worlds = worlds
    if (!this.settled) return
    const distinct = worlds.filter(({ content }, i) => worlds.findIndex((other) => other.content.equals(content)) === i)
    for (const [i, attempt] of this.unknown.entries()) {
      const takers = worlds.filter(({ taken }) => (taken & (1 << i)) !== 0).length
      if (takers === worlds.length) attempt.fate = "kept"
      else if (takers === 0) attempt.fate = this.logFailed ? "failed" : "absent"
    }
    if (distinct.length === 1) {
      this.unknown = []
      this.worlds = [{ content: distinct[0]!.content, taken: 0 }]
    }
  }

  /** Everything acknowledged so far is on disk. */
  synced(made = this.attempts.length): void {
    this.onDisk = Math.max(this.onDisk, made)
    this.withSystem = Math.max(this.withSystem, made)
  }

  /** Every interval has ended. */
  intervalsEnded(): void {
    this.synced(this.withInterval)
  }

  get made(): number {
    return this.attempts.length
  }

  get unknownCount(): number {
    return this.unknown.length
  }

  /** What survives the end of the process, or a power cut, now. */
  survivors(power: boolean): Survivors {
    return { made: this.attempts.length, certain: power ? this.onDisk : this.withSystem }
  }

  /** The store was opened again, and holds this: false when it must not. From now on it stays so. */
  recover({ made, certain }: Survivors, found: (content: Content) => boolean): boolean {
    let growing: ReadonlyArray<Content> = [this.base]
    const ended: Array<Content> = []
    for (const [i, { writes, fate }] of this.attempts.slice(0, made).entries()) {
      if (i >= certain) ended.push(...growing)
      if (fate === "absent") continue
      const after = growing.map((content) => content.after(writes))
      growing = fate === "kept" ? after : [...growing, ...after]
    }
    const content = [...growing, ...ended].find(found)
    if (content === undefined) return false
    this.base = content
    this.attempts = []
    this.unknown = []
    this.worlds = [{ content, taken: 0 }]
    this.settled = true
    this.onDisk = 0
    this.withSystem = 0
    this.withInterval = 0
    this.logFailed = false
    return true
  }

  /** Forgets attempts that nothing depends on any more. */
  tidy(): void {
    if (this.unknown.length > 0) return
    let done = 0
    while (done < this.onDisk) {
      const { fate, writes } = this.attempts[done]!
      if (fate === "kept") this.base = this.base.after(writes)
      else if (fate !== "absent") break
      done++
    }
    this.attempts.splice(0, done)
    this.onDisk -= done
    this.withSystem -= done
    this.withInterval = Math.max(0, this.withInterval - done)
  }
}
