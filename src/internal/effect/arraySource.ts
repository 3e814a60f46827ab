import type * as Effect from "effect/Effect"

/** A source of elements for a Stream. */
export interface ArraySource<A, E> {
  /** The next elements. An empty array ends the Stream. */
  readonly next: Effect.Effect<ReadonlyArray<A>, E>
  /** Whether more elements may come after those that `next` returned last. */
  readonly hasMore: () => boolean
}
