import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ArraySource } from "./arraySource.js"

/**
 * A Stream of the elements of a source, each array as one chunk. The source is released when the
 * Stream ends, fails or is interrupted.
 *
 * It is a channel built by hand: `Stream.unwrapScoped` and `repeatEffectChunkOption` cost more than
 * a short scan.
 */
export const arrayStream = <S, A, E>(
  acquire: Effect.Effect<S, E>,
  sourceOf: (resource: S) => ArraySource<A, E>,
  release: (resource: S) => void
): Stream.Stream<A, E> =>
  Stream.fromChannel(
    Channel.acquireUseRelease(
      acquire,
      (resource) => emit(sourceOf(resource)),
      (resource) => Effect.sync(() => release(resource))
    )
  )

const emit = <A, E>({ next, hasMore }: ArraySource<A, E>): Channel.Channel<Chunk.Chunk<A>, unknown, E> => {
  const rest: Channel.Channel<Chunk.Chunk<A>, unknown, E> = Channel.flatMap(Channel.fromEffect(next), (elements) => {
    if (elements.length === 0) return Channel.void
    const written = Channel.write(Chunk.unsafeFromArray(elements))
    return hasMore() ? Channel.flatMap(written, () => rest) : written
  })
  return rest
}
