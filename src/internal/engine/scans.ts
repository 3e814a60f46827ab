import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { InvalidArgument, type ReadError } from "../../LsmError.js"
import type {
  CollectOptions,
  Cursor,
  CursorOptions,
  Entry,
  Range,
  ReadOptions,
  ScanOptions,
  UnsafeCursor
} from "../../Store.js"
import type { ArraySource } from "../effect/arraySource.js"
import { arrayStream } from "../effect/arrayStream.js"
import { EffectCursor, ManualCursor } from "./cursors.js"
import { checkCount, type Engine, toKeyRange, toReadError } from "./engine.js"
import {
  entriesPerTurn,
  entryShape,
  keyShape,
  openRange,
  type RangeReader,
  type RangeReaderOptions,
  type Shape,
  takeChunk,
  valueShape
} from "./rangeReader.js"
import { Steering } from "./steering.js"

const defaultChunkSize = 1024
const maxChunkSize = 65536
/** Entries read before the fiber yields to the event loop. */
const slice = 16 * 1024

/** Options of readers for Effects. They stop after passing over a bounded number of entries. */
const patient: RangeReaderOptions = { patience: entriesPerTurn }
const patientKeys: RangeReaderOptions = { patience: entriesPerTurn, keysOnly: true }
/** Options of readers for Streams. A Stream reads each block once, so values need no copy. */
const giving: RangeReaderOptions = { patience: entriesPerTurn, giveValues: true }
/** Options of readers for code that cannot wait. */
const whole: RangeReaderOptions = {}
const wholeKeys: RangeReaderOptions = { keysOnly: true }

/**
 * Streams and cursors. They outlive one run of the event loop, so they pin the version that they
 * read.
 */
export class Scans {
  constructor(private readonly engine: Engine) {}

  readonly scan = (options?: ScanOptions): Stream.Stream<Entry, ReadError> => this.stream(options, entryShape, giving)
  readonly keys = (options?: ScanOptions): Stream.Stream<Uint8Array, ReadError> =>
    this.stream(options, keyShape, patientKeys)
  readonly values = (options?: ScanOptions): Stream.Stream<Uint8Array, ReadError> =>
    this.stream(options, valueShape, giving)

  /**
   * Reads a range of at most one chunk in one synchronous step, which leaves nothing open. A longer
   * one is read again, in slices.
   */
  readonly collect = (options?: CollectOptions): Effect.Effect<Array<Entry>, ReadError> =>
    this.engine.readThen(() => {
      const entries = this.takeShort(options)
      return entries === undefined ? this.takeLong(options) : this.engine.afterYield(entries)
    })

  /**
   * Returns the entries of a range; undefined if they exceed one chunk or the reader stops on its
   * way.
   */
  private takeShort(options: CollectOptions | undefined): Array<Entry> | undefined {
    checkScanOptions(options)
    const { engine } = this
    const { cursor, release } = openRange(
      engine,
      toKeyRange(options),
      engine.sequenceFor(options),
      engine.timeFor(options),
      giving
    )
    try {
      const reverse = options?.reverse ?? false
      const limit = options?.limit ?? Number.POSITIVE_INFINITY
      if (limit === 0) return []
      if (reverse) cursor.seekToLast()
      else cursor.seekToFirst()
      const entries = takeChunk(cursor, entryShape, Math.min(defaultChunkSize, limit), reverse)
      return (cursor.valid || cursor.unsettled) && entries.length < limit ? undefined : entries
    } finally {
      release()
    }
  }

  private takeLong(options: CollectOptions | undefined): Effect.Effect<Array<Entry>, ReadError> {
    const limit = options?.limit ?? Number.POSITIVE_INFINITY
    const reverse = options?.reverse ?? false
    const entries: Array<Entry> = []
    return Effect.as(
      this.read(options, giving, reverse, (cursor) => {
        const chunk = takeChunk(cursor, entryShape, Math.min(slice, limit - entries.length), reverse)
        for (const entry of chunk) entries.push(entry)
        return entries.length < limit
      }),
      entries
    )
  }

  readonly count = (options?: Range & ReadOptions): Effect.Effect<number, ReadError> =>
    Effect.suspend(() => {
      let count = 0
      const counted = this.read(options, patientKeys, false, (cursor) => {
        for (let i = 0; i < slice && cursor.valid; i++) {
          count++
          cursor.next()
        }
        return true
      })
      return Effect.map(counted, () => count)
    })

  /**
   * Reads a range to its end, or until a slice returns false. Yields to the event loop after each
   * slice.
   */
  private read(
    options: CollectOptions | undefined,
    readerOptions: RangeReaderOptions,
    reverse: boolean,
    readSlice: (cursor: RangeReader["cursor"]) => boolean
  ): Effect.Effect<void, ReadError> {
    return Effect.acquireUseRelease(
      this.openReader(options, readerOptions),
      ({ cursor }) => {
        const advance = walker(cursor, reverse)
        const next = this.engine.read(() => {
          advance()
          return readSlice(cursor) && (cursor.valid || cursor.unsettled)
        })
        const all: Effect.Effect<void, ReadError> = Effect.flatMap(next, (more) => {
          if (!more) return Effect.void
          cursor.renew()
          return Effect.zipRight(this.engine.parts.storage.yieldToEventLoop, all)
        })
        return all
      },
      ({ release }) => Effect.sync(release)
    )
  }

  readonly cursor = (options?: CursorOptions): Effect.Effect<Cursor, ReadError, Scope.Scope> =>
    Effect.map(
      Effect.acquireRelease(
        this.engine.read(() => this.steer(options, patient, patientKeys)),
        (steering) => Effect.sync(() => steering.close())
      ),
      (steering) => new EffectCursor(this.engine, steering)
    )

  /** A cursor that is closed by a call. @throws InvalidArgument, and the failures of reads */
  open(options: CursorOptions): { readonly cursor: Cursor; readonly close: () => void } {
    const steering = this.steer(options, patient, patientKeys)
    return { cursor: new EffectCursor(this.engine, steering), close: () => steering.close() }
  }

  readonly unsafeCursor = (options?: CursorOptions): UnsafeCursor => {
    const refusal = this.engine.readRefusal()
    if (refusal !== undefined) throw refusal
    try {
      return new ManualCursor(this.engine, this.steer(options, whole, wholeKeys))
    } catch (failure) {
      throw toReadError(failure)
    }
  }

  private steer(options: CursorOptions | undefined, all: RangeReaderOptions, keys: RangeReaderOptions): Steering {
    const { engine } = this
    const range = toKeyRange(options)
    const keysOnly = options?.keysOnly === true
    const reader = openRange(engine, range, engine.sequenceFor(options), engine.timeFor(options), keysOnly ? keys : all)
    return new Steering(engine, reader, keysOnly)
  }

  private openReader(
    options: ScanOptions | undefined,
    readerOptions: RangeReaderOptions
  ): Effect.Effect<RangeReader, ReadError> {
    return this.engine.read(() => {
      const range = toKeyRange(options)
      checkScanOptions(options)
      const { engine } = this
      return openRange(engine, range, engine.sequenceFor(options), engine.timeFor(options), readerOptions)
    })
  }

  private stream<A>(
    options: ScanOptions | undefined,
    shape: Shape<A>,
    readerOptions: RangeReaderOptions
  ): Stream.Stream<A, ReadError> {
    return arrayStream(
      this.openReader(options, readerOptions),
      ({ cursor }) => this.source(cursor, options, shape),
      ({ release }) => release()
    )
  }

  private source<A>(
    cursor: RangeReader["cursor"],
    options: ScanOptions | undefined,
    shape: Shape<A>
  ): ArraySource<A, ReadError> {
    const { engine } = this
    const reverse = options?.reverse ?? false
    const chunkSize = options?.chunkSize ?? defaultChunkSize
    let left = options?.limit ?? Number.POSITIVE_INFINITY
    let untilTurn = slice
    const advance = walker(cursor, reverse)
    const chunk = engine.read(() => {
      if (left === 0) return []
      advance()
      const wanted = Math.min(chunkSize, left)
      const entries = takeChunk(cursor, shape, wanted, reverse)
      left -= entries.length
      // A chunk that ends early has a mebibyte of entries.
      untilTurn -= entries.length < wanted ? slice / 4 : entries.length
      return entries
    })
    const next: Effect.Effect<Array<A>, ReadError> = Effect.flatMap(chunk, (entries) => {
      if (!cursor.unsettled && untilTurn > 0) return engine.afterYield(entries)
      cursor.renew()
      untilTurn = slice
      const { yieldToEventLoop: turn } = engine.parts.storage
      return entries.length === 0 && cursor.unsettled ? Effect.zipRight(turn, next) : Effect.as(turn, entries)
    })
    return { next, hasMore: () => (cursor.valid || cursor.unsettled) && left > 0 }
  }
}

/**
 * Returns a function to call before each slice: it starts the walk, or continues a move that
 * stopped on its way.
 */
const walker = (cursor: RangeReader["cursor"], reverse: boolean): (() => void) => {
  let begun = false
  return () => {
    if (cursor.unsettled) cursor.goOn()
    if (begun) return
    begun = true
    if (reverse) cursor.seekToLast()
    else cursor.seekToFirst()
  }
}

export const checkScanOptions = (options: ScanOptions | undefined): void => {
  if (options?.limit !== undefined) checkCount(options.limit, "limit")
  const size = options?.chunkSize
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= maxChunkSize)) {
    throw new InvalidArgument({ argument: "chunkSize", reason: `must be a whole number from 1 to ${maxChunkSize}` })
  }
}
