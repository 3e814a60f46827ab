import { Content, type Write } from "./content.js"

/**
 * A write that was submitted to the store, in the order of the log. Its fate:
 * - `kept`: it was acknowledged, or has been seen.
 * - `unknown`: its caller was interrupted, so it may or may not have reached the log.
 * - `failed`: the log failed with it. Readers do not see it, but the next open may find it.
 * - `absent`: it was never in the log.
 */
export interface Attempt {
  readonly writes: ReadonlyArray<Write>
  fate: "kept" | "unknown" | "failed" | "absent"
}

/** A content that the store may have now, and the bit set of unknown attempts that it includes. */
interface World {
  readonly content: Content
  readonly taken: number
}

/** The prefix of the log that survives a crash. */
export interface Survivors {
  /** How many attempts were made. At most these survive. */
  readonly made: number
  /** How many of the first attempts survive for certain. */
  readonly certain: number
}

/**
 * The contents that a store may hold. There is one while every outcome is known. A write of unknown
 * outcome adds candidates with it, until an observation rules out one kind.
 */
export class Model {
  /** The content before the first remembered attempt. */
  private base = Content.empty
  private attempts: Array<Attempt> = []
  private worlds: ReadonlyArray<World> = [{ content: Content.empty, taken: 0 }]
  private unknown: Array<Attempt> = []
  /** Whether unknown attempts that are not visible now will never be. */
  private settled = true
  /** How many attempts survive a power cut. */
  private onDisk = 0
  /** How many attempts survive the end of the process. */
  private withSystem = 0
  /** How many attempts survive both once their interval has ended. */
  private withInterval = 0
  /** Whether the log has failed. The next open may find what it was writing then. */
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

  /** Records that a write was refused or failed. */
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

  /**
   * Records that no more unknown writes will appear, because writes are applied in the order of the
   * log.
   */
  settle(): void {
    this.settled = true
    this.reduce(this.worlds)
  }

  /** Keeps the candidates that explain an observation. Returns false if none does. */
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

  /** Records that the first `made` attempts are on disk. */
  synced(made = this.attempts.length): void {
    this.onDisk = Math.max(this.onDisk, made)
    this.withSystem = Math.max(this.withSystem, made)
  }

  /** Records that every interval has ended. */
  intervalsEnded(): void {
    this.synced(this.withInterval)
  }

  get made(): number {
    return this.attempts.length
  }

  get unknownCount(): number {
    return this.unknown.length
  }

  /** What would survive a power cut now, or the end of the process. */
  survivors(power: boolean): Survivors {
    return { made: this.attempts.length, certain: power ? this.onDisk : this.withSystem }
  }

  /** Records the content found by opening again. Returns false if the store must not hold it. */
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

  /** Forgets attempts on which nothing depends any more. */
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
