import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { copyRange } from "../internal/bytes.js"
import type { KeyRange } from "../internal/visibleCursor.js"
import { InvalidArgument, type ReadError } from "../LsmError.js"
import type { CollectOptions, Cursor, Entry, Range, ReadOptions, ScanOptions, Snapshot } from "../LsmStore.js"
import { type Engine, toBytes, toKeyRange } from "./engine.js"
import { entryShape, keyShape, openRange, type RangeReader, type Shape, takeChunk, valueShape } from "./rangeReader.js"

const defaultChunkSize = 1024
const maxChunkSize = 65536
/** Entries counted between two turns of the event loop. */
const countSlice = 16 * 1024

/** Streams, cursors and snapshots: what outlives its turn of the event loop, and therefore pins what it reads. */
export class Scans {
  constructor(private readonly engine: Engine) {}

  readonly scan = (options?: ScanOptions): Stream.Stream<Entry, ReadError> => this.stream(options, entryShape)
  readonly keys = (options?: ScanOptions): Stream.Stream<Uint8Array, ReadError> => this.stream(options, keyShape)
  readonly values = (options?: ScanOptions): Stream.Stream<Uint8Array, ReadError> => this.stream(options, valueShape)

  /** A range of no more than a chunk is read in one stretch, with nothing that could be left open; a longer one as a Stream. */
  readonly collect = (options?: CollectOptions): Effect.Effect<Array<Entry>, ReadError> =>
    this.engine.readThen(() => {
      const entries = this.takeShort(options)
      return entries === undefined
        ? Effect.map(Stream.runCollect(this.scan(options)), Chunk.toArray)
        : this.engine.afterTurn(entries)
    })

  /** The entries of a range, or undefined where they are more than one chunk. */
  private takeShort(options: CollectOptions | undefined): Array<Entry> | undefined {
    checkScanOptions(options)
    const { engine } = this
    const { cursor, release } = openRange(engine, toKeyRange(options), engine.sequenceFor(options), true)
    try {
      const reverse = options?.reverse ?? false
      const limit = options?.limit ?? Number.POSITIVE_INFINITY
      if (limit === 0) return []
      if (reverse) cursor.seekToLast()
      else cursor.seekToFirst()
      const entries = takeChunk(cursor, entryShape, Math.min(defaultChunkSize, limit), reverse)
      return cursor.valid && entries.length < limit ? undefined : entries
    } finally {
      release()
    }
  }

  readonly snapshot: Effect.Effect<Snapshot, ReadError, Scope.Scope> = Effect.suspend(() =>
    Effect.acquireRelease(
      this.engine.read(() => this.engine.takeSnapshot()),
      (snapshot) => Effect.sync(() => this.engine.releaseSnapshot(snapshot))
    )
  )

  readonly count = (options?: Range & ReadOptions): Effect.Effect<number, ReadError> =>
    Effect.acquireUseRelease(
      this.open(() => toKeyRange(options), options),
      ({ cursor }) => {
        let count = 0
        let begun = false
        const slice = this.engine.read(() => {
          if (!begun) cursor.seekToFirst()
          begun = true
          for (let i = 0; i < countSlice; i++) {
            if (!cursor.valid) return true
            count++
            cursor.next()
          }
          return false
        })
        const all: Effect.Effect<number, ReadError> = Effect.flatMap(slice, (done) =>
          done ? Effect.succeed(count) : Effect.zipRight(this.engine.parts.storage.turn, all)
        )
        return all
      },
      ({ release }) => Effect.sync(release)
    )

  readonly cursor = (options?: Range & ReadOptions): Effect.Effect<Cursor, ReadError, Scope.Scope> =>
    Effect.map(
      Effect.acquireRelease(
        this.open(() => toKeyRange(options), options),
        ({ release }) => Effect.sync(release)
      ),
      (reader) => this.makeCursor(reader)
    )

  private open(
    range: () => KeyRange,
    options: ReadOptions | undefined,
    giveValues = false
  ): Effect.Effect<RangeReader, ReadError> {
    return this.engine.read(() => openRange(this.engine, range(), this.engine.sequenceFor(options), giveValues))
  }

  /** A channel made by hand: what `Stream.unwrapScoped` and `repeatEffectChunkOption` add to a short scan takes longer than the scan. */
  private stream<A>(options: ScanOptions | undefined, shape: Shape<A>): Stream.Stream<A, ReadError> {
    const range = () => {
      checkScanOptions(options)
      return toKeyRange(options)
    }
    // A Stream comes by an entry once, so its values are not copied out of blocks that nobody else reads.
    const open = this.open(range, options, true)
    return Stream.fromChannel(
      Channel.acquireUseRelease(
        open,
        ({ cursor }) => this.emit(cursor, options, shape),
        ({ release }) => Effect.sync(release)
      )
    )
  }

  private emit<A>(
    cursor: RangeReader["cursor"],
    options: ScanOptions | undefined,
    shape: Shape<A>
  ): Channel.Channel<Chunk.Chunk<A>, unknown, ReadError> {
    const reverse = options?.reverse ?? false
    const chunkSize = options?.chunkSize ?? defaultChunkSize
    let left = options?.limit ?? Number.POSITIVE_INFINITY
    let begun = false
    const chunk = this.engine.read(() => {
      if (!begun) {
        begun = true
        if (left > 0) {
          if (reverse) cursor.seekToLast()
          else cursor.seekToFirst()
        }
      }
      const entries = takeChunk(cursor, shape, Math.min(chunkSize, left), reverse)
      left -= entries.length
      return entries
    })
    const pull = Effect.flatMap(chunk, (entries) => this.engine.afterTurn(entries))
    const rest: Channel.Channel<Chunk.Chunk<A>, unknown, ReadError> = Channel.flatMap(
      Channel.fromEffect(pull),
      (entries) => {
        if (entries.length === 0) return Channel.void
        const written = Channel.write(Chunk.unsafeFromArray(entries))
        return cursor.valid && left > 0 ? Channel.flatMap(written, () => rest) : written
      }
    )
    return rest
  }

  private makeCursor({ cursor }: RangeReader): Cursor {
    let begun = false
    /** Why the cursor stands nowhere: a step that failed must not pass for the end of the range. */
    let failure: unknown
    const move = (step: () => void): Effect.Effect<boolean, ReadError> =>
      this.engine.read(() => {
        try {
          step()
        } catch (thrown) {
          if (!(thrown instanceof InvalidArgument)) failure = thrown
          throw thrown
        }
        begun = true
        return cursor.valid
      })
    /** Positions the cursor anew, whatever happened before. */
    const place = (step: () => void): Effect.Effect<boolean, ReadError> =>
      move(() => {
        failure = undefined
        step()
      })
    const goOn = (step: () => void): Effect.Effect<boolean, ReadError> =>
      move(() => {
        if (failure !== undefined) throw failure
        step()
      })
    return {
      current: this.engine.read(() => (cursor.valid ? Option.some(takeCurrent(cursor)) : Option.none())),
      first: place(() => cursor.seekToFirst()),
      last: place(() => cursor.seekToLast()),
      seek: (key) => place(() => cursor.seek(toBytes(key, "key"))),
      seekBefore: (key) => place(() => cursor.seekBefore(toBytes(key, "key"))),
      next: goOn(() => {
        if (!begun) cursor.seekToFirst()
        else if (cursor.valid) cursor.next()
      }),
      prev: goOn(() => {
        if (!begun) cursor.seekToLast()
        else if (cursor.valid) cursor.prev()
      }),
      take: (count) =>
        this.engine.read(() => {
          checkCount(count, "count")
          if (failure !== undefined) throw failure
          if (!begun) cursor.seekToFirst()
          begun = true
          return takeChunk(cursor, entryShape, count, false)
        })
    }
  }
}

/** The entry under the cursor, which stays where it is. */
const takeCurrent = (cursor: RangeReader["cursor"]): Entry => ({
  key: copyRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd),
  value: copyRange(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
})

const checkScanOptions = (options: ScanOptions | undefined): void => {
  if (options?.limit !== undefined) checkCount(options.limit, "limit")
  const size = options?.chunkSize
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= maxChunkSize)) {
    throw new InvalidArgument({ argument: "chunkSize", reason: `must be a whole number from 1 to ${maxChunkSize}` })
  }
}

const checkCount = (count: number, argument: string): void => {
  if (count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count >= 0)) return
  throw new InvalidArgument({ argument, reason: "must be a whole number, not negative" })
}
