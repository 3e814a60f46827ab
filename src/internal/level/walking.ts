import type { Snapshot } from "../../Store.js"
import type { Shape } from "../engine/rangeReader.js"
import type { Entries } from "./entries.js"
import type { Data, Format } from "./formats.js"
import type { Limits } from "./keyPrefix.js"
import { aborted } from "./levelError.js"
import { LevelSnapshot } from "./levelSnapshot.js"
import type { RangeWalk } from "./rangeWalk.js"
import { afterTurn } from "./turns.js"

/** Options of iterators, as abstract-level passes them. */
export interface WalkOptions extends Limits {
  readonly reverse: boolean
  /** -1 if there is none. */
  readonly limit: number
  readonly keyEncoding: Format
  readonly valueEncoding: Format
  readonly snapshot?: unknown
  readonly signal?: AbortSignal | null | undefined
}

/** Entries that are read ahead of `next`, at most. It begins with one, and has eight times as many each time. */
const mostAhead = 512
const growth = 8

/** Entries that `all` reads before it may wait for a turn. */
const mostAtOnce = 1024

const none: ReadonlyArray<never> = []

/** What the iterators over entries, keys and values have in common. */
export class Walking<A> {
  private readonly walk: RangeWalk | undefined
  /** Why there is no walk: iterators fail when they are read, not when they are made. */
  private readonly failure: unknown
  private ahead: ReadonlyArray<A> = none
  private position = 0
  private size = 1

  constructor(
    private readonly entries: Entries,
    private readonly options: WalkOptions,
    private readonly shape: Shape<A>,
    keysOnly: boolean
  ) {
    try {
      this.walk = entries.walk(options, snapshotOf(options.snapshot), keysOnly)
    } catch (failure) {
      this.failure = failure
    }
  }

  /** The next entry; undefined at the end. `count` entries were returned before. */
  next(count: number): A | undefined | Promise<A | undefined> {
    if (this.position < this.ahead.length) return this.ahead[this.position++]
    const { limit } = this.options
    const most = limit < 0 ? this.size : Math.min(this.size, limit - count)
    this.size = Math.min(this.size * growth, mostAhead)
    const read = this.beginRead(most)
    return read instanceof Promise ? read.then((entries) => this.keep(entries)) : this.keep(read)
  }

  /** Up to `size` entries; none at the end. */
  nextv(size: number): Array<A> | Promise<Array<A>> {
    if (this.position === this.ahead.length) return this.beginRead(size)
    const entries = this.ahead.slice(this.position, this.position + size)
    this.position += entries.length
    return entries
  }

  /** All that is left; `left` if there are more. */
  async all(left: number): Promise<Array<A>> {
    const first = await this.nextv(Math.min(left, mostAtOnce))
    if (first.length === left || first.length === 0) return first
    const entries = first
    for (;;) {
      const more = await this.nextv(Math.min(left - entries.length, mostAtOnce))
      if (more.length === 0) return entries
      for (const entry of more) entries.push(entry)
      if (entries.length === left) return entries
    }
  }

  seek(target: Data): void {
    this.ahead = none
    this.position = 0
    this.size = 1
    this.walk?.seek(this.entries.prefix.bound(target), this.options.reverse)
  }

  close(): void {
    this.ahead = none
    this.position = 0
    this.walk?.close()
  }

  private keep(entries: Array<A>): A | undefined {
    this.ahead = entries
    this.position = 1
    return entries[0]
  }

  /** A signal may be aborted right after the call. */
  private beginRead(most: number): Array<A> | Promise<Array<A>> {
    return this.options.signal ? Promise.resolve().then(() => this.read(most)) : this.read(most)
  }

  /** Reads until there are entries, or none are left. */
  private read(most: number): Array<A> | Promise<Array<A>> {
    const { walk } = this
    if (walk === undefined) throw this.failure
    if (this.options.signal?.aborted === true) throw aborted()
    const entries = walk.take(this.shape, most, this.options.reverse)
    if (entries.length === 0 && !walk.isOver) return afterTurn(undefined).then(() => this.read(most))
    return this.entries.turns.spend(entries.length) ? afterTurn(entries) : entries
  }
}

/** The store's own snapshot, if abstract-level passes one of ours. */
export const snapshotOf = (snapshot: unknown): Snapshot | undefined =>
  snapshot instanceof LevelSnapshot ? snapshot.snapshot : ((snapshot as Snapshot | null | undefined) ?? undefined)
