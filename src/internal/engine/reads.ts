import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { copyRange, decodeUtf8, illFormed } from "../../core/bytes/bytes.js"
import { longestKey, ReusableLookupKey } from "../../core/bytes/lookupKey.js"
import { EntryKind } from "../../core/cursor/entryKind.js"
import { LookupResult } from "../../core/cursor/lookupResult.js"
import { InvalidArgument, type ReadError } from "../../LsmError.js"
import type { Bytes, ReadOptions } from "../../Store.js"
import { Immediate, Later, type YieldBudget } from "../effect/immediate.js"
import { type Engine, illFormedString, toReadError } from "./engine.js"

/** Lookups between two looks at whether others want the event loop. */
const readsPerTurn = 256

/**
 * Lookups. Each is one synchronous stretch: nothing can change between the memtables and the version, so neither is
 * pinned. Files missed by the cache are read synchronously: 1 to 3 µs from the page cache, where a read through the
 * thread pool takes 34 µs.
 */
export class Reads {
  private readonly key = new ReusableLookupKey()
  private readonly found = new LookupResult()
  private untilTurn = readsPerTurn
  private untilSample = 1

  constructor(private readonly engine: Engine) {}

  readonly get = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<Uint8Array>, ReadError> =>
    new PointRead(this, key, options, this.optionalBytes)

  readonly getString = (key: Bytes, options?: ReadOptions): Effect.Effect<Option.Option<string>, ReadError> =>
    new PointRead(this, key, options, this.optionalString)

  readonly has = (key: Bytes, options?: ReadOptions): Effect.Effect<boolean, ReadError> =>
    new PointRead(this, key, options, identity)

  readonly getMany = (
    keys: Iterable<Bytes>,
    options?: ReadOptions
  ): Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError> =>
    this.engine.readThen(() => {
      const sequence = this.engine.sequenceFor(options)
      // A string iterates over its characters, which are seldom meant.
      if (typeof keys === "string") throw new InvalidArgument({ argument: "keys", reason: "is one string, not many" })
      if (typeof (keys as Partial<Iterable<Bytes>> | null | undefined)?.[Symbol.iterator] !== "function") {
        throw new InvalidArgument({ argument: "keys", reason: "is not iterable" })
      }
      const values: Array<Option.Option<Uint8Array>> = []
      for (const key of keys) values.push(this.optionalBytes(this.find(key, sequence)))
      return this.isTurnDue() ? this.engine.afterYield(values) : Effect.succeed(values)
    })

  readonly unsafeGet = (key: Bytes, options?: ReadOptions): Uint8Array | undefined => {
    const { engine } = this
    const refusal = engine.readRefusal()
    if (refusal !== undefined) throw refusal
    try {
      return this.find(key, engine.sequenceFor(options)) ? this.copyFound() : undefined
    } catch (failure) {
      throw toReadError(failure)
    }
  }

  get yieldBudget(): YieldBudget {
    return this.engine.yieldBudget
  }

  lookup<A>(key: Bytes, options: ReadOptions | undefined, answer: (there: boolean) => A): A | Later<A, ReadError> {
    const { engine } = this
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return new Later(Effect.fail(refusal))
    const { metrics, settings } = engine.parts
    const sampled = --this.untilSample <= 0
    const started = sampled ? metrics.unsafeNow() : 0
    try {
      const result = answer(this.find(key, engine.sequenceFor(options)))
      if (sampled) {
        this.untilSample = settings.latencySampling
        metrics.getLatency.record((metrics.unsafeNow() - started) / 1000)
      }
      return this.isTurnDue() ? new Later(engine.afterYield(result)) : result
    } catch (failure) {
      return new Later(Effect.fail(toReadError(failure)))
    }
  }

  /** A loop of reads must not keep others' writes and background work from the event loop. */
  private isTurnDue(): boolean {
    if (--this.untilTurn > 0) return false
    this.untilTurn = readsPerTurn
    return true
  }

  /** Looks for a key's value; `found` holds it when there is one. */
  private find(input: Bytes, sequence: number): boolean {
    if (typeof input !== "string" && !(input instanceof Uint8Array)) {
      throw new InvalidArgument({ argument: "key", reason: "is neither a string nor a Uint8Array" })
    }
    const { found } = this
    const { memtable, manifest, metrics, tables } = this.engine.parts
    metrics.gets.add(1)
    // Nothing of such a key is kept here.
    if (input.length > longestKey) {
      metrics.misses.add(1)
      return false
    }
    const key = this.key.set(input)
    if (key.length === illFormed) throw illFormedString("key")
    for (const table of memtable.unsafeAll()) {
      if (!table.lookup(key, sequence, found)) continue
      metrics.memtableHits.add(1)
      return found.kind !== EntryKind.deletion
    }
    const isNewest = sequence === this.engine.visibleSequence
    const level = tables.unsafeFind(manifest.unsafeVersion(), key, sequence, isNewest, found)
    if (level < 0) {
      metrics.misses.add(1)
      return false
    }
    metrics.tableHits[level]!.add(1)
    return found.kind !== EntryKind.deletion
  }

  private copyFound(): Uint8Array {
    return copyRange(this.found.bytes, this.found.start, this.found.end)
  }

  private readonly optionalBytes = (there: boolean): Option.Option<Uint8Array> =>
    there ? Option.some(this.copyFound()) : Option.none()

  private readonly optionalString = (there: boolean): Option.Option<string> =>
    there ? Option.some(decodeUtf8(this.found.bytes.subarray(this.found.start, this.found.end))) : Option.none()
}

class PointRead<A> extends Immediate<A, ReadError> {
  constructor(
    private readonly reads: Reads,
    private readonly key: Bytes,
    private readonly options: ReadOptions | undefined,
    private readonly answer: (there: boolean) => A
  ) {
    super()
  }

  protected override get budget(): YieldBudget {
    return this.reads.yieldBudget
  }

  protected override evaluate(): A | Later<A, ReadError> {
    return this.reads.lookup(this.key, this.options, this.answer)
  }
}

const identity = (there: boolean): boolean => there
